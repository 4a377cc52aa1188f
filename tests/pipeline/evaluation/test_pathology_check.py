"""The stress test against diagnoses counts patients, each by the worst of their nodules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from nodulus.pipeline.evaluation.groups import ratings_of
from nodulus.pipeline.evaluation.pathology_check import READERS, Diagnosis, check_pathology, read_diagnoses
from nodulus.pipeline.statistics.metrics import roc_auc
from nodulus.transforms.problems import UsageError
from tests.support.simulated_predictions import simulated_context, simulated_predictions

PREDICTIONS = simulated_predictions(120)
PATIENTS = sorted({one.patient_id for one in PREDICTIONS})
DIAGNOSES = {patient: Diagnosis(1 + index % 3) for index, patient in enumerate(PATIENTS[:45])}


def test_each_patient_counts_once_by_the_largest_score() -> None:
    record = check_pathology(PREDICTIONS, DIAGNOSES, simulated_context())
    both, primary = record.tasks
    assert (both.patients, both.malignant, both.benign) == (45, 30, 15)
    assert (primary.patients, primary.malignant, primary.benign) == (30, 15, 15)
    assert record.patients_unknown == len(PATIENTS) - 45
    largest = [max(one.probability for one in PREDICTIONS if one.patient_id == patient) for patient in DIAGNOSES]
    labels = [int(diagnosis != Diagnosis.BENIGN) for diagnosis in DIAGNOSES.values()]
    assert both.auc["network"].value == pytest.approx(roc_auc(labels, largest))
    ratings = {patient: [ratings_of(one) for one in PREDICTIONS if one.patient_id == patient] for patient in DIAGNOSES}
    rated = [max(mean(each) for each in nodules) for nodules in ratings.values()]
    assert both.auc[READERS].value == pytest.approx(roc_auc(labels, rated))
    assert set(both.network_minus) == {"size_only", "diameter", "hand features", READERS}


def test_undecided_nodules_count_for_their_patients() -> None:
    bare = [replace(one, label=None) for one in PREDICTIONS]
    context = simulated_context()
    assert check_pathology(bare, DIAGNOSES, context) == check_pathology(PREDICTIONS, DIAGNOSES, context)


def test_without_ratings_the_readers_are_left_out() -> None:
    bare = [replace(one, attributes={}) for one in PREDICTIONS]
    assert READERS not in check_pathology(bare, DIAGNOSES, simulated_context()).tasks[0].auc


def test_too_few_patients_are_told_not_scored() -> None:
    few = dict(list(DIAGNOSES.items())[:6])
    for task in check_pathology(PREDICTIONS, few, simulated_context()).tasks:
        assert task.reason is not None
        assert "too few patients" in task.reason
        assert not task.auc
    assert check_pathology(PREDICTIONS, {}, simulated_context()).tasks[0].patients == 0


def test_unknown_diagnoses_are_left_out_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "diagnosis.csv"
    path.write_text("patient_id,diagnosis\na,0\nb,1\nc,3\nb,1\n")
    assert read_diagnoses(path) == {"b": Diagnosis.BENIGN, "c": Diagnosis.METASTATIC}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("patient_id,diagnosis\na,7\n", "diagnosis.csv row 2: expected a diagnosis of 0 unknown.*got '7'"),
        ("patient_id,diagnosis\na,cancer\n", "got 'cancer'"),
        ("patient_id,finding\na,1\n", "column diagnosis"),
        ("patient_id,diagnosis\na,1\na,2\n", "row 3: expected one diagnosis for patient a, got 1 and 2"),
        ("", "empty"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "diagnosis.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason) as caught:
        read_diagnoses(path)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no file .*none\.csv"):
        read_diagnoses(tmp_path / "none.csv")
