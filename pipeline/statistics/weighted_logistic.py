"""Fits one logistic regression per bootstrap sample, all samples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

MAX_ITERATIONS = 50
MAX_HALVINGS = 30
BLOCK = 250  # samples at a time, so that memory grows with the nodules only


def weighted_logistic(
    design: NDArray[np.float64],
    is_malignant: NDArray[np.bool_],
    weights: NDArray[np.float64],
    offset: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Return the coefficients of the unpenalised logistic regression of the label under each row of weights.

    By Newton's method with halved steps, which reaches the maximum of the likelihood wherever one exists. Where none
    does (a class is missing or the classes are separated) what comes back means nothing: the caller is to know.

    Args:
        design: one row a nodule, (n_nodules, n_coefficients); a column of ones makes an intercept.
        is_malignant: which nodules are malignant, (n_nodules,).
        weights: how often each nodule counts, (n_fits, n_nodules).
        offset: added to the logit of each nodule, with no coefficient.

    Returns:
        (n_fits, n_coefficients); NaN where the method did not converge.
    """
    offsets = np.broadcast_to(np.asarray(offset, dtype=np.float64), is_malignant.shape)
    blocks = [
        _fit(design, is_malignant.astype(np.float64), weights[start : start + BLOCK], offsets)
        for start in range(0, len(weights), BLOCK)
    ]
    return np.concatenate(blocks)


def _fit(
    design: NDArray[np.float64], label: NDArray[np.float64], weights: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = np.full((len(weights), design.shape[1]), np.nan)
    open_rows, coefficients = np.arange(len(weights)), np.zeros((len(weights), design.shape[1]))
    for _ in range(MAX_ITERATIONS):
        gradient, step = _newton_step(design, label, weights[open_rows], offset, coefficients)
        is_done = (np.abs(gradient) <= 1e-9 * weights[open_rows].sum(axis=1, keepdims=True)).all(axis=1)
        found[open_rows[is_done]] = coefficients[is_done]
        open_rows, coefficients, step = open_rows[~is_done], coefficients[~is_done], step[~is_done]
        if not len(open_rows):
            break
        coefficients = _step_uphill(design, label, weights[open_rows], offset, coefficients, step)
    return found


def _newton_step(
    design: NDArray[np.float64],
    label: NDArray[np.float64],
    weights: NDArray[np.float64],
    offset: NDArray[np.float64],
    coefficients: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradient of the log likelihood and the full Newton step, both (n_fits, n_coefficients)."""
    probability = expit(coefficients @ design.T + offset)
    gradient = (weights * (label - probability)) @ design
    n_coefficients = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    information = (weights * probability * (1 - probability)) @ products
    # The ridge only keeps the matrix invertible; the gradient, which decides the end, does not know of it.
    ridge = 1e-9 * np.eye(n_coefficients)
    matrices = information.reshape(-1, n_coefficients, n_coefficients) + ridge
    return gradient, np.linalg.solve(matrices, gradient[:, :, None])[:, :, 0]


def _step_uphill(
    design: NDArray[np.float64],
    label: NDArray[np.float64],
    weights: NDArray[np.float64],
    offset: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    step: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the coefficients after the step, halved until the likelihood does not fall."""

    def loss(at: NDArray[np.float64], rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        logit = at[rows] @ design.T + offset
        return np.asarray((weights[rows] * (np.logaddexp(0, logit) - label * logit)).sum(axis=1))

    start = loss(coefficients, np.ones(len(step), dtype=bool))
    allowed = start + 1e-9 * np.abs(start)  # rounding near the maximum is no fall
    scale, is_open = np.ones(len(step)), np.ones(len(step), dtype=bool)
    for _ in range(MAX_HALVINGS):
        is_worse = loss(coefficients + scale[:, None] * step, is_open) > allowed[is_open]
        is_open[np.flatnonzero(is_open)[~is_worse]] = False
        if not is_open.any():
            break
        scale[is_open] /= 2
    return np.asarray(coefficients + scale[:, None] * step)
