"""A stress test: do scores that learned radiologists' opinion also agree with diagnoses, patient by patient?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from statistics import mean

from nodulus.pipeline.data.patient_ids import patient_key
from nodulus.pipeline.nodules.table_rows import Row, read_rows
from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.pipeline.statistics.strata import MIN_PER_CLASS
from nodulus.transforms.problems import UsageError

from .groups import ratings_of
from .one_reader import against_one_reader, readings_of
from .pathology_words import READERS
from .predictions import Prediction
from .record import DIAMETER_BOX, NETWORK, Context, PathologyRecord, PathologyTask
from .scores import complete_scores, negated


class Diagnosis(IntEnum):
    """What pathology or two years of follow-up found in a patient, in LIDC-IDRI's numbers."""

    UNKNOWN = 0
    BENIGN = 1
    PRIMARY_CANCER = 2
    METASTATIC = 3


# Apart: a metastasis is another disease of the lung, and radiologists suspect it by what else they know.
TASKS: Mapping[str, Collection[Diagnosis]] = {
    "primary cancer": (Diagnosis.PRIMARY_CANCER,),
    "metastatic cancer": (Diagnosis.METASTATIC,),
}


def read_diagnoses(path: Path) -> dict[str, Diagnosis]:
    """Return the known diagnosis of each patient, by `patient_key`, of a CSV table ``patient_id,diagnosis``.

    Patients whose diagnosis is unknown stay out.

    Raises:
        UsageError: there is no such table, it lacks a column, a number means nothing, or a patient has two diagnoses.
    """
    if not Path(path).is_file():
        raise UsageError(f"Expected a table of diagnoses, found no file {path}")
    found: dict[str, Diagnosis] = {}
    for row in read_rows(Path(path)):
        patient, diagnosis = row.text("patient_id"), _diagnosis(row)
        if (first := found.setdefault(patient_key(patient), diagnosis)) != diagnosis:
            raise row.error(f"expected one diagnosis for patient {patient}, got {first:d} and {diagnosis:d}")
    return {patient: diagnosis for patient, diagnosis in found.items() if diagnosis != Diagnosis.UNKNOWN}


def check_pathology(
    predictions: Sequence[Prediction], diagnoses: Mapping[str, Diagnosis], context: Context
) -> PathologyRecord:
    """Return how the largest score of a patient's nodules tells malignant from benign diagnoses.

    Each patient counts once, with the largest value of each score over all nodules, labelled or not. Patients without
    a known diagnosis are left out; a benign diagnosis of the patient says nothing of one nodule.
    """
    nodules_of: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        nodules_of.setdefault(patient_key(prediction.patient_id), []).append(prediction)
    diagnosis_of = {patient_key(patient): diagnosis for patient, diagnosis in diagnoses.items()}
    known = {patient: nodules for patient, nodules in nodules_of.items() if patient in diagnosis_of}
    tasks = [_task(name, positive, known, diagnosis_of, context) for name, positive in TASKS.items()]
    return PathologyRecord(patients_unknown=len(nodules_of) - len(known), tasks=tuple(tasks))


def _task(
    name: str,
    positive: Collection[Diagnosis],
    nodules_of: Mapping[str, Sequence[Prediction]],
    diagnoses: Mapping[str, Diagnosis],
    context: Context,
) -> PathologyTask:
    chosen = [patient for patient in nodules_of if diagnoses[patient] in (Diagnosis.BENIGN, *positive)]
    labels = [int(diagnoses[patient] in positive) for patient in chosen]
    task = PathologyTask(positive=name, patients=len(chosen), malignant=sum(labels), benign=len(labels) - sum(labels))
    if min(task.malignant, task.benign) < MIN_PER_CLASS:
        found = f"{task.malignant} malignant and {task.benign} benign patients"
        reason = f"too few patients: {found}, at least {MIN_PER_CLASS} of each are compared"
        return task.model_copy(update={"reason": reason})
    nodules = [nodules_of[patient] for patient in chosen]
    scores = _patient_scores(nodules)
    compared = compare_scores(labels, scores, chosen, NETWORK, context.n_resamples, context.seed)
    minus = {score: negated(difference) for score, difference in compared.difference.items()}
    told = {"auc": dict(compared.auc), "network_minus": minus}
    if (readings := readings_of(nodules)) is not None:
        one_reader, less = against_one_reader(labels, scores, readings, chosen, context)
        told |= {"one_reader": one_reader, "minus_one_reader": less}
    return task.model_copy(update=told)


def _patient_scores(patients: Sequence[Sequence[Prediction]]) -> dict[str, list[float]]:
    """Return by name the largest score of each patient's nodules, of scores that all nodules have."""
    complete = complete_scores([prediction for nodules in patients for prediction in nodules])
    complete.pop(DIAMETER_BOX, None)
    largest: dict[str, list[float]] = {}
    for name, values in complete.items():
        left = iter(values)
        largest[name] = [max(next(left) for _ in nodules) for nodules in patients]
    rated = [[mean(ratings) for nodule in nodules if (ratings := ratings_of(nodule))] for nodules in patients]
    if all(rated):
        largest[READERS] = [max(means) for means in rated]
    return largest


def _diagnosis(row: Row) -> Diagnosis:
    text = row.text("diagnosis")
    try:
        return Diagnosis(int(text))
    except ValueError:
        meaning = ", ".join(f"{known:d} {known.name.lower().replace('_', ' ')}" for known in Diagnosis)
        raise row.error(f"expected a diagnosis of {meaning}, got {text!r}") from None
