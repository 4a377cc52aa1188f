"""Calibrates a bundle on the labelled nodules of another place, beside its own calibration, which stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nodulus.pipeline.bundle.folder import CALIBRATION, TRAINING_PATIENTS, VALIDATION_PATIENTS, WEIGHTS
from nodulus.pipeline.bundle.identity import calibration_of
from nodulus.pipeline.bundle.run import Tell, tell_nobody
from nodulus.pipeline.data.data_list import DataListFile, DataListItem, Split
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.files import check_output_dir, sha256_of
from nodulus.pipeline.readout.additive import AdditiveModel
from nodulus.pipeline.readout.calibration import Calibration, FittedOn, Logistic, write_calibration
from nodulus.pipeline.readout.collect_outputs import Output
from nodulus.pipeline.readout.patient_facts import COVARIATES, patient_facts
from nodulus.pipeline.readout.patient_model import PatientModel
from nodulus.pipeline.statistics.calibration_metrics import calibration_report
from nodulus.pipeline.statistics.operating_points import OperatingPoint, measure_at
from nodulus.transforms.problems import UsageError

from .calibrate import describe, outputs_of
from .learning_curve import learning_curve, nodules_needed
from .local_nodules import LocalNodules, check_enough
from .local_report import LocalReport, write_local_report
from .local_update import KINDS, Kind, choose_update, fit_update, local_update
from .patient_fit import choose_covariates, fit_patient_model, judge_together

LOCAL_CALIBRATION = "local_calibration.json"


def calibrate_locally(
    data_list: Path,
    bundle_dir: Path,
    output_dir: Path | None = None,
    *,
    split: Split = "validation",
    covariates: Sequence[str] = (),
    tell: Tell = tell_nobody,
    trust: bool = False,
    **overrides: Any,  # noqa: ANN401 - config values
) -> LocalReport:
    """Write ``local_report.json``, and ``local_calibration.json`` where a change is shown to help; return the report.

    Args:
        data_list: labelled nodules of one place.
        bundle_dir: the bundle; nothing of its own is changed.
        output_dir: where the files are written; by default beside the bundle's calibration.
        split: which part of the list.
        covariates: what of the patients may be added to the image, by the names of ``patient_facts.COVARIATES``.
        tell: is told how far the calibration is.
        trust: do without the bundle's audit.
        **overrides: values of the config to replace, by id.

    Raises:
        UsageError: the list is bad, its nodules are too few, some of their patients trained the weights, a covariate is
            not known, or the folder cannot be written.
        InputRefusedError: ``untrusted_bundle``, as in ``calibrate``.
    """
    if unknown := [name for name in covariates if name not in COVARIATES]:
        raise UsageError(f"Expected covariates of {', '.join(COVARIATES)}, got {unknown[0]!r}")
    listed, folder = DataListFile.read(data_list), output_dir or (bundle_dir / CALIBRATION).parent
    load_data_list(listed, split, only_labelled=True, both_classes=True)
    check_output_dir(folder)
    weights = bundle_dir / WEIGHTS
    shipped = calibration_of(weights, sha256_of(weights), bundle_dir / CALIBRATION)
    items = [item for item in listed.items(split) if item.label is not None]
    caveat = _check_patients(items, bundle_dir, listed)
    outputs = outputs_of(listed, split, weights, bundle_dir, {"trust": trust, **overrides}, tell)
    nodules = _nodules(items, [outputs[item.nodule_id]["own"] for item in items], shipped)
    check_enough(nodules)
    tell("fitting and judging", 0, 0)
    fitted_on = describe(items, listed.data_hash, split)
    report, patient = _measure(nodules, shipped, fitted_on, listed.label_meaning, covariates, caveat)
    if report.is_written:
        write_calibration(_changed(shipped, nodules, report, patient), folder / LOCAL_CALIBRATION)
    write_local_report(report, folder)
    return report


def _check_patients(items: Sequence[DataListItem], bundle_dir: Path, listed: DataListFile) -> str | None:
    """Return what is to be known of patients whom the bundle knows; refuse those that trained its network."""
    patients = [item.patient_id for item in items]
    if trained := overlap(patients, read_training_patients(bundle_dir / TRAINING_PATIENTS)):
        raise UsageError(
            f"Expected patients that the weights were not trained on, got {len(trained)} in {listed} that they were,"
            f" {trained[0]} for one"
        )
    if seen := overlap(patients, read_training_patients(bundle_dir / VALIDATION_PATIENTS)):
        return f"{len(seen)} of the patients made the shipped calibration: it looks better here than elsewhere"
    return None


def _nodules(items: Sequence[DataListItem], outputs: Sequence[Output], shipped: Calibration) -> LocalNodules:
    facts = [list(patient_facts(item.model_dump(exclude={"characteristics", "ratings"})).values()) for item in items]
    return LocalNodules(
        logits=np.asarray([shipped.malignant_logit(output.logits) for output in outputs]),
        log_diameters=np.log([item.diameter_mm for item in items]),
        labels=np.asarray([int(item.label or 0) for item in items]),
        patients=tuple(item.patient_id for item in items),
        facts=np.asarray(facts),
    )


def _measure(
    nodules: LocalNodules,
    shipped: Calibration,
    fitted_on: FittedOn,
    label: str,
    covariates: Sequence[str],
    caveat: str | None,
) -> tuple[LocalReport, PatientModel | None]:
    chosen, updates = choose_update(nodules)
    together = judge_together(nodules, covariates) if covariates else None
    kept, trials = choose_covariates(nodules, covariates)
    has_helped = together is not None and together.has_helped and bool(kept)
    patient = fit_patient_model(nodules, kept, together) if together is not None and has_helped else None
    # One scale and one prevalence for nodules with and without a patient: the image alone is then moved, too.
    taken: Kind = "in the large" if patient is not None and chosen == "as shipped" else chosen
    curve = learning_curve(nodules)
    probabilities = [1 / (1 + math.exp(-logit)) for logit in nodules.logits]
    report = LocalReport(
        weights_sha256=shipped.weights_sha256,
        label=label,
        fitted_on=fitted_on,
        shipped_prevalence=shipped.fitted_on.prevalence,
        caveat=caveat,
        as_shipped=calibration_report(nodules.labels, probabilities, nodules.patients),
        updates=updates,
        chosen=taken,
        learning_curve=curve,
        nodules_needed={kind: nodules_needed(curve, kind) for kind in KINDS[1:]},
        covariates=trials,
        together=together,
        is_written=taken != "as shipped",
    )
    return report, patient


def _changed(
    shipped: Calibration, nodules: LocalNodules, report: LocalReport, patient: PatientModel | None
) -> Calibration:
    """Return the calibration with a change of its logit, and what its thresholds give here.

    The thresholds move with the probabilities, so that the same nodules reach them as before.
    """
    update = fit_update(report.chosen, nodules.logits, nodules.labels)
    by_size = np.asarray([shipped.size_only.logit(value) for value in nodules.log_diameters])
    probabilities = [update.probability(logit) for logit in nodules.logits]
    return shipped.model_copy(
        update={
            "fitted_on": report.fitted_on,
            "label": report.label,
            "network": _after(shipped.network, update),
            "size_only": _after(shipped.size_only, fit_update(report.chosen, by_size, nodules.labels)),
            "operating_points": tuple(
                _moved(point, update, probabilities, nodules) for point in shipped.operating_points
            ),
            "additive": None if shipped.additive is None else _additive_after(shipped.additive, update),
            "local": local_update(report.chosen, report.updates, nodules),
            "patient": patient,
        }
    )


def _after(first: Logistic, update: Logistic) -> Logistic:
    return Logistic(slope=update.slope * first.slope, intercept=update.slope * first.intercept + update.intercept)


def _moved(
    point: OperatingPoint, update: Logistic, probabilities: Sequence[float], nodules: LocalNodules
) -> OperatingPoint:
    threshold = point.threshold
    if 0 < threshold < 1:
        threshold = update.probability(math.log(threshold / (1 - threshold)))
    here = measure_at(nodules.labels, probabilities, nodules.patients, threshold)
    return point.model_copy(
        update={"threshold": threshold, "sensitivity": here.sensitivity, "specificity": here.specificity}
    )


def _additive_after(model: AdditiveModel, update: Logistic) -> AdditiveModel:
    terms = {name: term.model_copy(update={"slope": update.slope * term.slope}) for name, term in model.terms.items()}
    average = update.slope * model.average_logit + update.intercept
    return model.model_copy(update={"average_logit": average, "terms": terms})
