"""Does what is known of the patient add to the image? Fitted, chosen and judged on patients kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nodulus.pipeline.readout.patient_facts import COLUMNS, COVARIATES
from nodulus.pipeline.readout.patient_model import LOG_DIAMETER, PatientModel, PatientTerm
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import compare_scores

from .local_nodules import MIN_PER_CLASS, Indices, LocalNodules, Values, log_loss, mean_gain, patient_folds

IMAGE, IMAGE_AND_SIZE, TOGETHER = "image", "image and size", "together"
# Keeps slopes finite where a covariate parts the classes; of hundreds of nodules it moves none that can be told.
PENALTY_INVERSE = 10.0
N_RESAMPLES = 2000
_CHOICES = 500  # resamples of the patients behind an interval that only chooses
_FITS = 200  # resamples of the patients behind a slope's interval


class CovariateTrial(Record):
    """A covariate that was asked for.

    Args:
        name: of it.
        known: nodules of which it is known.
        gain: log loss without it less with it, out of fold, beside image, size and the covariates kept before it;
            None where it was not tried.
        is_kept: whether the interval of the gain excludes zero.
        reason: why it was not tried.
    """

    name: str
    known: int
    gain: Estimate | None = None
    is_kept: bool = False
    reason: str | None = None


class TogetherRecord(Record):
    """Image and patient together against the image alone, each nodule judged by what its patient took no part in.

    In every fold the covariates are chosen anew among the other patients; the choice is judged with the fit.

    Args:
        auc: by name: of the image, of image and size, and of all together.
        auc_gain: together less the image alone, paired.
        log_loss_gain: log loss of the image alone less that of all together.
        log_loss_gain_over_size: log loss of image and size less that of all together.
        kept_in_folds: in how many of the folds each covariate was chosen.
        folds: of patients.
        has_helped: whether both intervals of log loss exclude zero; otherwise nothing of it is used.
    """

    auc: dict[str, Estimate]
    auc_gain: Estimate
    log_loss_gain: Estimate
    log_loss_gain_over_size: Estimate
    kept_in_folds: dict[str, int]
    folds: int
    has_helped: bool


def choose_covariates(
    nodules: LocalNodules, asked: Sequence[str], seed: int = 0
) -> tuple[tuple[str, ...], tuple[CovariateTrial, ...]]:
    """Return the covariates that help beside image and size, the best first, and what each asked one gave.

    One is kept where the interval of its gain in log loss excludes zero, over patients that it was not fitted to.
    """
    known = {name: _n_known(nodules, name) for name in asked}
    reasons = {name: reason for name in asked if (reason := _why_not(nodules, name))}
    left, kept = [name for name in asked if name not in reasons], list[str]()
    trials = {name: CovariateTrial(name=name, known=known[name], reason=reasons.get(name)) for name in asked}
    while left:
        before = _out_of_fold(nodules, kept, seed)
        losses = {name: _out_of_fold(nodules, [*kept, name], seed) for name in left}
        gains = {name: mean_gain(before - loss, nodules.patients, _CHOICES) for name, loss in losses.items()}
        for name, gain in gains.items():
            trials[name] = trials[name].model_copy(update={"gain": gain})
        best = max(left, key=lambda name: gains[name].value)
        if gains[best].low <= 0:
            break
        trials[best] = trials[best].model_copy(update={"is_kept": True})
        kept.append(best)
        left.remove(best)
    return tuple(kept), tuple(trials.values())


def judge_together(nodules: LocalNodules, asked: Sequence[str], seed: int = 0) -> TogetherRecord:
    """Return what choosing and fitting covariates gives on patients that took part in neither."""
    logits = {name: np.zeros(len(nodules)) for name in (IMAGE, IMAGE_AND_SIZE, TOGETHER)}
    chosen_in: Counter[str] = Counter()
    folds = list(patient_folds(nodules, seed))
    for fits, tests in folds:
        fitted, tested = nodules.of(fits), nodules.of(tests)
        chosen, _ = choose_covariates(fitted, asked, seed + 1)
        chosen_in.update(chosen)
        columns = {IMAGE: [], IMAGE_AND_SIZE: [LOG_DIAMETER], TOGETHER: _columns(chosen) if chosen else []}
        for name, of_model in columns.items():
            logits[name][tests] = _fit(fitted, of_model).decision_function(_design(tested, of_model))
    loss = {name: log_loss(values, nodules.labels) for name, values in logits.items()}
    scores = {name: values.tolist() for name, values in logits.items()}
    compared = compare_scores(nodules.labels.tolist(), scores, nodules.patients, IMAGE, N_RESAMPLES)
    gain = mean_gain(loss[IMAGE] - loss[TOGETHER], nodules.patients)
    over_size = mean_gain(loss[IMAGE_AND_SIZE] - loss[TOGETHER], nodules.patients)
    return TogetherRecord(
        auc=dict(compared.auc),
        auc_gain=compared.difference[TOGETHER],
        log_loss_gain=gain,
        log_loss_gain_over_size=over_size,
        kept_in_folds={name: chosen_in[name] for name in asked},
        folds=len(folds),
        has_helped=gain.low > 0 and over_size.low > 0,
    )


def fit_patient_model(nodules: LocalNodules, covariates: Sequence[str], judged: TogetherRecord) -> PatientModel:
    """Return the regression of the label on image, size and some covariates, with an interval of every slope."""
    columns = _columns(covariates)
    means, intercept, slopes = _plain(_fit(nodules, columns))
    sampled = np.asarray([_plain(_fit(nodules.of(rows), columns))[2] for rows in _resamples(nodules)])
    found = {
        name: PatientTerm(mean=float(means[k + 1]), slope=estimate(float(slopes[k + 1]), sampled[:, k + 1]))
        for k, name in enumerate(columns)
    }
    return PatientModel(
        # The image enters as it is, the others as what they are beyond their mean.
        intercept=float(intercept + slopes[1:] @ means[1:]),
        slope=float(slopes[0]),
        terms=found,
        covariates=tuple(covariates),
        auc_gain=judged.auc_gain,
        log_loss_gain=judged.log_loss_gain,
    )


def _columns(covariates: Sequence[str]) -> list[str]:
    return [LOG_DIAMETER, *(column for name in covariates for column in COVARIATES[name])]


def _design(nodules: LocalNodules, columns: Sequence[str]) -> Values:
    """Return the image's logit and some columns, a row a nodule; NaN where a number is not known."""
    named = [nodules.log_diameters if name == LOG_DIAMETER else nodules.column(name) for name in columns]
    return np.column_stack([nodules.logits, *named])


def _fit(nodules: LocalNodules, columns: Sequence[str]) -> Any:  # noqa: ANN401 - scikit-learn comes untyped
    """Return the fitted regression; what is not known counts as the mean of the nodules that it is fitted to."""
    imputer = SimpleImputer(strategy="mean", keep_empty_features=True)
    model = make_pipeline(imputer, StandardScaler(), LogisticRegression(C=PENALTY_INVERSE))
    return model.fit(_design(nodules, columns), nodules.labels)


def _plain(model: Any) -> tuple[Values, float, Values]:  # noqa: ANN401 - as above
    """Return the means, the intercept and the slopes of the values as they are."""
    imputer, scaler, logistic = model.named_steps.values()
    slopes = logistic.coef_[0] / scaler.scale_
    return imputer.statistics_, float(logistic.intercept_[0] - slopes @ scaler.mean_), slopes


def _out_of_fold(nodules: LocalNodules, covariates: Sequence[str], seed: int) -> Values:
    columns, loss = _columns(covariates), log_loss(nodules.logits, nodules.labels)
    for fits, tests in patient_folds(nodules, seed):
        tested = nodules.of(tests)
        logits = _fit(nodules.of(fits), columns).decision_function(_design(tested, columns))
        loss[tests] = log_loss(logits, tested.labels)
    return loss


def _n_known(nodules: LocalNodules, covariate: str) -> int:
    return int(_is_known(nodules, covariate).sum())


def _is_known(nodules: LocalNodules, covariate: str) -> Any:  # noqa: ANN401 - a mask
    indices = [COLUMNS.index(column) for column in COVARIATES[covariate]]
    return ~np.isnan(nodules.facts[:, indices]).any(axis=1)


def _why_not(nodules: LocalNodules, covariate: str) -> str | None:
    """Return why a covariate cannot be tried: it is known too seldom, or always the same."""
    known = _is_known(nodules, covariate)
    n_malignant = int(nodules.labels[known].sum())
    n_benign = int(known.sum()) - n_malignant
    if min(n_malignant, n_benign) < MIN_PER_CLASS:
        return f"known of {n_malignant} malignant and {n_benign} benign nodules, {MIN_PER_CLASS} of each are needed"
    indices = [COLUMNS.index(column) for column in COVARIATES[covariate]]
    if not np.ptp(nodules.facts[known][:, indices], axis=0).any():
        return "the same for every nodule"
    return None


def _resamples(nodules: LocalNodules, seed: int = 0) -> list[Indices]:
    """Return the rows of some bootstrap samples of the patients that hold both classes."""
    counts = patient_weights(nodules.patients, _FITS, seed).astype(np.intp)
    rows = (np.repeat(np.arange(len(nodules)), each) for each in counts)
    return [each for each in rows if len(set(nodules.labels[each].tolist())) == 2]
