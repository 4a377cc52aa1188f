"""Fits the probabilities and thresholds of a network to validation patients, and notes which patients trained it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression

from nodulus.pipeline.bundle.folder import CALIBRATION, TRAINING_PATIENTS, VALIDATION_PATIENTS
from nodulus.pipeline.bundle.run import Tell, run_evaluator, tell_nobody
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile, DataListItem, Split
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.patient_ids import patient_key
from nodulus.pipeline.data.training_patients import (
    hash_patients,
    overlap,
    read_training_patients,
    write_training_patients,
)
from nodulus.pipeline.files import check_output_dir, sha256_of
from nodulus.pipeline.readout.additive import AdditiveModel, term_values
from nodulus.pipeline.readout.calibration import Calibration, FittedOn, Logistic, read_calibration, write_calibration
from nodulus.pipeline.readout.collect_outputs import CollectOutputs, Output
from nodulus.pipeline.readout.readout import predicted_ratings
from nodulus.pipeline.readout.training_range import fit_training_range
from nodulus.pipeline.statistics.operating_points import choose_operating_points
from nodulus.transforms.problems import InputRefusedError, UsageError

from .begin import read_init_patients
from .fit_additive import fit_additive
from .kept_likeness import kept_likeness

logger = logging.getLogger(__name__)


def calibrate(
    data_list: Path,
    weights: Path,
    bundle_dir: Path,
    tell: Tell = tell_nobody,
    *,
    trust: bool = False,
    **overrides: Any,  # noqa: ANN401 - config values
) -> Path:
    """Write ``calibration.json`` and the hashes of the patients beside the weights; return the calibration's path.

    The probabilities and the thresholds are fitted to the validation split alone, each nodule seen through its own box
    and through the one its diameter implies, as either may come at inference. The training split says which nodules
    the network knows. How alike a place must be to nodules is kept from the bundle's calibration (`kept_likeness`).

    Args:
        data_list: the list that the weights were trained on.
        weights: ``model.pt`` of the run.
        bundle_dir: the bundle whose ``configs/evaluate.json`` describes preprocessing and network.
        tell: is told how far the calibration is.
        trust: do without the bundle's audit.
        **overrides: values of the config to replace, by id, as they were replaced in training.

    Raises:
        UsageError: a file is missing, the list is bad, the validation split lacks a class, or the training patients
            are not those that an earlier calibration of the same weights noted.
        InputRefusedError: ``untrusted_bundle``, when the audit refuses a part of the bundle, or the weights are not the
            network's plain state dict, or hold numbers that are not finite.
    """
    weights = Path(weights)
    if not weights.is_file():
        raise UsageError(f"Expected trained weights, found no file {weights}")
    listed = DataListFile.read(data_list)
    load_data_list(listed, "validation", only_labelled=True, both_classes=True)
    check_output_dir(weights.parent)
    weights_sha256 = sha256_of(weights)
    _check_same_patients(listed, weights, weights_sha256)
    trained, validated = (
        outputs_of(listed, split, weights, bundle_dir, {"trust": trust, **overrides}, tell)
        for split in ("training", "validation")
    )
    calibration = _fit(listed, trained, validated, weights_sha256)
    limits = calibration.training_range.model_copy(update={"likeness": kept_likeness(bundle_dir, overrides)})
    calibration = calibration.model_copy(update={"training_range": limits})
    for items, name in (
        (listed.items("training"), TRAINING_PATIENTS),
        (listed.items("validation"), VALIDATION_PATIENTS),
    ):
        hashes = hash_patients(item.patient_id for item in items)
        if name == TRAINING_PATIENTS:
            hashes = hashes.model_copy(update={"earlier": read_init_patients(weights.parent)})
        write_training_patients(hashes, weights.parent / name.name)
    return write_calibration(calibration, weights.parent / CALIBRATION.name)


def fit_logistic(x: ArrayLike, labels: ArrayLike) -> Logistic:
    """Return the maximum-likelihood logistic function of one number, without penalty.

    Where the number parts the classes without a fault, the likelihood has no maximum and the slope would only tell when
    the solver gave up. Then the labels are smoothed as in Platt 1999: n nodules of a class count as n + 1 of n + 2.

    The slope is never negative: a network that is worse than chance is not turned round, its probability is the share
    of malignant nodules, whatever it says.
    """
    column, is_malignant = np.asarray(x, dtype=np.float64).reshape(-1, 1), np.asarray(labels) == 1
    model = LogisticRegression(C=np.inf, tol=1e-8)
    if _is_parted(column[:, 0], is_malignant):
        # Each nodule stands twice, as malignant and as benign, with the share of each for a weight.
        shares = _smoothed(is_malignant)
        model.fit(np.tile(column, (2, 1)), np.repeat([1, 0], len(column)), np.concatenate([shares, 1 - shares]))
    else:
        model.fit(column, is_malignant.astype(int))
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope >= 0:
        return Logistic(slope=slope, intercept=intercept)
    logger.warning("The scores fall where malignant nodules are more: they are calibrated to say nothing")
    share = float(is_malignant.mean())
    return Logistic(slope=0.0, intercept=float(np.log(share / (1 - share))))


def _check_same_patients(data_list: DataListFile, weights: Path, weights_sha256: str) -> None:
    """Refuse a list of other training patients than those that are already noted beside the same weights."""
    noted = weights.parent / TRAINING_PATIENTS.name
    try:
        read_calibration(weights.parent / CALIBRATION.name, weights_sha256)
    except InputRefusedError:
        return  # none of these weights: what is noted there may be another run's
    if not noted.is_file():
        return
    known = read_training_patients(noted)
    patients = {patient_key(item.patient_id): item.patient_id for item in data_list.items("training")}.values()
    own = known.model_copy(update={"earlier": None})
    if len(overlap(patients, own)) != len(patients) or len(patients) != len(own.hashes):
        raise UsageError(
            f"Expected the data list that {weights} was trained on, got other training patients in {data_list} than "
            f"{noted.name} notes"
        )


def _is_parted(x: NDArray[np.float64], is_malignant: NDArray[np.bool_]) -> bool:
    benign, malignant = x[~is_malignant], x[is_malignant]
    if x.min() == x.max():
        return False  # a slope of 0 is the maximum
    return bool(benign.max() <= malignant.min() or malignant.max() <= benign.min())


def _smoothed(is_malignant: NDArray[np.bool_]) -> NDArray[np.float64]:
    n_malignant, n_benign = int(is_malignant.sum()), int((~is_malignant).sum())
    return np.where(is_malignant, (n_malignant + 1) / (n_malignant + 2), 1 / (n_benign + 2))


def outputs_of(
    data_list: DataListFile, split: Split, weights: Path, bundle_dir: Path, options: Mapping[str, Any], tell: Tell
) -> dict[str, dict[str, Output]]:
    """Return the raw outputs of every nodule of a split, by nodule and box."""
    collected = CollectOutputs()
    workflow = make_workflow(
        bundle_dir,
        "evaluate",
        data_list,
        weights.parent,
        **{"split": split, "weights": str(weights), "calibration": None, "report": collected} | dict(options),
    )
    # Before the run, so that what it refuses reaches the user as it is and not inside the engine's error.
    load_weights(workflow.parser.get_parsed_content("network"), weights)
    run_evaluator(workflow, f"calibrating, {split} nodules", tell)
    return collected.outputs


def _fit(
    data_list: DataListFile,
    trained: Mapping[str, Mapping[str, Output]],
    validated: Mapping[str, Mapping[str, Output]],
    weights_sha256: str,
) -> Calibration:
    items = [item for item in data_list.items("validation") if item.label is not None]
    pairs = [(item, output) for item in items for output in validated[item.nodule_id].values()]
    labels = [int(item.label or 0) for item, _ in pairs]
    margins = [output.logits[1] - output.logits[0] for _, output in pairs]
    network = fit_logistic(margins, labels)
    size_only = fit_logistic(np.log([item.diameter_mm for item in items]), [int(item.label or 0) for item in items])
    probabilities = [network.probability(margin) for margin in margins]
    outputs = [output for by_box in trained.values() for output in by_box.values()]
    return Calibration(
        weights_sha256=weights_sha256,
        fitted_on=describe(items, data_list.data_hash, "validation"),
        label=data_list.label_meaning,
        network=network,
        size_only=size_only,
        operating_points=choose_operating_points(labels, probabilities, [item.patient_id for item, _ in pairs]),
        training_range=fit_training_range(
            [output.facts for output in outputs], np.asarray([output.logits for output in outputs])
        ),
        additive=_additive(pairs, [network.logit(margin) for margin in margins]),
    )


def _additive(pairs: Sequence[tuple[DataListItem, Output]], logits: Sequence[float]) -> AdditiveModel | None:
    values = [term_values(predicted_ratings(output.logits), output.facts.diameter_mm) for _, output in pairs]
    return fit_additive(values, logits, [item.patient_id for item, _ in pairs])


def describe(items: Sequence[DataListItem], data_hash: str, split: Split) -> FittedOn:
    """Return which labelled nodules something was fitted to."""
    n_malignant = sum(item.label == 1 for item in items)
    return FittedOn(
        data_hash=data_hash,
        split=split,
        nodules=len(items),
        patients=len({item.patient_id for item in items}),
        malignant=n_malignant,
        benign=len(items) - n_malignant,
    )
