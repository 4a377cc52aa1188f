"""What a local calibration found, typed: local_report.json, and the lines of it that people read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.calibration import FittedOn
from nodulus.pipeline.readout.prior_shift import percent
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.calibration_metrics import CalibrationReport
from nodulus.pipeline.statistics.estimate import Estimate

from .learning_curve import CurvePoint
from .local_update import Kind, UpdateTrial
from .patient_fit import IMAGE, TOGETHER, CovariateTrial, TogetherRecord

REPORT = "local_report.json"


class LocalReport(Record):
    """What a local calibration found on the labelled nodules of one place.

    Args:
        weights_sha256: of the weights.
        label: what malignant means in the list.
        fitted_on: the nodules.
        shipped_prevalence: share of malignant nodules among those that the shipped calibration was fitted to.
        caveat: why the shipped calibration looks better here than elsewhere; None where nothing is known to.
        as_shipped: whether the shipped probabilities mean here what they say.
        updates: what each change gave, out of fold.
        chosen: the change that is taken.
        learning_curve: what changes give by the number of nodules that they are fitted to.
        nodules_needed: by kind, from how many nodules on the change did no harm; None where that was not reached.
        covariates: those that were asked for.
        together: what image and patient give together; None where no covariate was asked for.
        is_written: whether there is a local calibration; without one nothing was shown to help.
    """

    weights_sha256: str
    label: str
    fitted_on: FittedOn
    shipped_prevalence: float
    caveat: str | None
    as_shipped: CalibrationReport
    updates: tuple[UpdateTrial, ...]
    chosen: Kind
    learning_curve: tuple[CurvePoint, ...]
    nodules_needed: dict[str, int | None]
    covariates: tuple[CovariateTrial, ...] = ()
    together: TogetherRecord | None = None
    is_written: bool


def write_local_report(report: LocalReport, folder: Path) -> Path:
    """Write local_report.json, whole or not at all, and return its path."""
    return write_text(folder / REPORT, report.model_dump_json(indent=1) + "\n")


def read_local_report(path: Path) -> LocalReport:
    """Return the report of a local_report.json.

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    return read_json_as(LocalReport, path, "the report of a local calibration")


def report_lines(report: LocalReport) -> Iterator[str]:
    """Yield the report in lines for people."""
    fitted, here = report.fitted_on, report.as_shipped
    yield (
        f"{fitted.nodules} nodules of {fitted.patients} patients, {fitted.malignant} malignant and {fitted.benign}"
        f" benign: {percent(fitted.prevalence)} malignant here, {percent(report.shipped_prevalence)} where it was made"
    )
    if report.caveat:
        yield report.caveat
    slope = "none finite" if here.slope is None else str(here.slope)
    yield f"as shipped: intercept {here.intercept} (0 is right), slope {slope} (1 is right), ECE {here.ece}"
    for trial in report.updates[1:]:
        yield f"{trial.kind}: log loss less than as shipped by {signed(trial.gain)}"
    yield _choice(report.chosen)
    for point in report.learning_curve:
        gains = ", ".join(f"{kind} {signed(gain)}" for kind, gain in point.gain.items())
        yield f"fitted to {point.nodules} nodules ({point.draws} draws): {gains}"
    for kind, needed in report.nodules_needed.items():
        yield f"{kind}: " + (f"no harm from {needed} nodules on" if needed else "not without harm on this many nodules")
    yield from _patient_lines(report)


def signed(estimate: Estimate) -> str:
    """Return a difference with its interval, each number with its sign."""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _choice(kind: Kind) -> str:
    if kind == "as shipped":
        return "no change is shown to help: the calibration stays as shipped"
    return f"taken: {kind}, the simplest change that none is shown to better"


def _patient_lines(report: LocalReport) -> Iterator[str]:
    n = report.fitted_on.nodules
    for trial in report.covariates:
        gain = trial.reason if trial.gain is None else f"log loss less by {signed(trial.gain)}"
        yield f"{trial.name}: known of {trial.known} of {n}; {gain}; {'kept' if trial.is_kept else 'not kept'}"
    if (found := report.together) is None:
        return
    auc = f"AUC {found.auc[TOGETHER]}, image alone {found.auc[IMAGE]}, gain {signed(found.auc_gain)}"
    yield f"image and patient together, out of fold: {auc}; log loss less by {signed(found.log_loss_gain)}"
    yield "the patient helps: used" if found.has_helped else "the patient is not shown to help: nothing of it is used"
