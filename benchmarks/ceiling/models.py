"""Fits models of opinions to the ratings at hand: what each says of perfect knowledge, and how well it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights

from .nodules import Scored
from .opinion import SIZES, Fit, count_ratings, fit_opinions, panel_size
from .perfect import (
    Decided,
    decided,
    decided_as,
    panel_auc,
    perfect_auc,
    perfect_errors,
    simulated_auc,
    undecided_share,
)

N_NORMALS = (1, 2, 3)
N_FITS = 200  # of patients drawn anew; each fits the model again
_SECOND_PANEL = 4


@dataclass(frozen=True)
class Mixed:
    """Shares of the nodules by size of the panel: of all at hand, and of those that have a score."""

    at_hand: Mapping[int, float]
    tested: Mapping[int, float]


def measure_models(scored: Scored, n_fits: int = N_FITS) -> list[dict[str, Any]]:
    """Return what each model says, with intervals over patients drawn anew."""
    counts, mixed = count_ratings(scored.ratings), mixed_sizes(scored)
    weights = patient_weights(scored.patients, n_fits)
    found = []
    for n_normals in N_NORMALS:
        fit = fit_opinions(counts, np.ones(len(counts)), n_normals)
        refits = [fit_opinions(counts, each, n_normals, fit.parameters) for each in weights]
        found.append(_described(n_normals, fit, refits, mixed, len(scored.tested)))
    return found


def observed_undecided(scored: Scored) -> dict[str, float]:
    """Return the share of nodules whose readers are undecided, by size of the panel."""
    labels, sizes = scored.labels, [panel_size(len(panel)) for panel in scored.ratings]
    of = {size: [label is None for label, each in zip(labels, sizes, strict=True) if each == size] for size in SIZES}
    return {str(size): float(np.mean(each)) for size, each in of.items() if each}


def mixed_sizes(scored: Scored) -> Mixed:
    """Return how the sizes of panels are mixed."""
    sizes = [panel_size(len(panel)) for panel in scored.ratings]
    return Mixed(_shares(sizes), _shares([sizes[place] for place in scored.tested]))


def _shares(sizes: list[int]) -> dict[int, float]:
    return {size: n / len(sizes) for size, n in sorted(Counter(sizes).items())}


def _described(n_normals: int, fit: Fit, refits: list[Fit], mixed: Mixed, n_tested: int) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    whole, drawn = _labelled(fit, mixed), [_labelled(each, mixed) for each in refits]
    second = [panel_auc(each.model, of, _SECOND_PANEL) for each, of in zip(refits, drawn, strict=True)]
    simulated = [simulated_auc(of, n_tested, generator) for of in drawn]
    perfect = perfect_auc(whole)
    others, pairs = {size: size - 1 for size in SIZES}, {SIZES[-1]: 2}
    return {
        "normals": n_normals,
        "parameters": [round(float(value), 4) for value in fit.parameters],
        "loss": fit.loss,
        "undecided": {str(size): undecided_share(fit.model, size) for size in mixed.at_hand},
        "one_reader": panel_auc(fit.model, decided(fit.model, others, mixed.at_hand), 1),
        "two_readers": panel_auc(fit.model, decided(fit.model, pairs, {SIZES[-1]: 1.0}), 2),
        "perfect": asdict(estimate(perfect, [perfect_auc(of) for of in drawn])),
        "perfect_on_as_many": asdict(estimate(perfect, simulated)),
        "second_panel": asdict(estimate(panel_auc(fit.model, whole, _SECOND_PANEL), second)),
        "perfect_errors": asdict(estimate(perfect_errors(whole), [perfect_errors(of) for of in drawn])),
    }


def _labelled(fit: Fit, mixed: Mixed) -> Decided:
    return decided_as(fit.model, mixed.tested)
