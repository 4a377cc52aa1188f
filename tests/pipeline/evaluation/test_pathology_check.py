"""The stress test against diagnoses counts patients, each by the worst of their nodules."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean

import pytest

from nodulus.pipeline.evaluation.groups import ratings_of
from nodulus.pipeline.evaluation.one_reader import readings_of
from nodulus.pipeline.evaluation.pathology_check import Diagnosis, check_pathology, read_diagnoses
from nodulus.pipeline.evaluation.pathology_words import READERS, can_rank, pathology_sentences
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import roc_auc
from nodulus.transforms.problems import UsageError
from tests.support.simulated_predictions import simulated_context, simulated_predictions, with_ratings

PREDICTIONS = simulated_predictions(120)
PATIENTS = sorted({one.patient_id for one in PREDICTIONS})
DIAGNOSES = {patient: Diagnosis(1 + index % 3) for index, patient in enumerate(PATIENTS[:45])}


def test_primary_and_metastatic_patients_are_told_apart_from_benign_each_by_the_largest_score() -> None:
    record = check_pathology(PREDICTIONS, DIAGNOSES, simulated_context())
    primary, metastatic = record.tasks
    assert (primary.positive, metastatic.positive) == ("primary cancer", "metastatic cancer")
    assert (primary.patients, primary.malignant, primary.benign) == (30, 15, 15)
    assert (metastatic.patients, metastatic.malignant, metastatic.benign) == (30, 15, 15)
    assert record.patients_unknown == len(PATIENTS) - 45
    chosen = {patient: each for patient, each in DIAGNOSES.items() if each != Diagnosis.PRIMARY_CANCER}
    largest = [max(one.probability for one in PREDICTIONS if one.patient_id == patient) for patient in chosen]
    labels = [int(diagnosis != Diagnosis.BENIGN) for diagnosis in chosen.values()]
    assert metastatic.auc["network"].value == pytest.approx(roc_auc(labels, largest))
    ratings = {patient: [ratings_of(one) for one in PREDICTIONS if one.patient_id == patient] for patient in chosen}
    rated = [max(mean(each) for each in nodules) for nodules in ratings.values()]
    assert metastatic.auc[READERS].value == pytest.approx(roc_auc(labels, rated))
    assert set(metastatic.network_minus) == {"size_only", "diameter", "hand features", READERS}


def test_one_reader_is_the_mean_of_all_ways_to_take_a_reader_for_each_patient() -> None:
    rated = [(5, 1), (4, 4), (2, 3), (1, 5), (3, 3), (2, 2), (4, 1), (5, 5), (1, 1), (3, 2), (2, 4)]
    predictions = with_ratings(rated)
    diagnoses = {
        one.patient_id: Diagnosis.PRIMARY_CANCER if k < 6 else Diagnosis.BENIGN for k, one in enumerate(predictions)
    }
    task, _ = check_pathology(predictions, diagnoses, simulated_context()).tasks
    labels = [1] * 6 + [0] * 5
    ways = [
        roc_auc(labels, [pair[way] for pair, way in zip(rated, chosen, strict=True)])
        for chosen in product((0, 1), repeat=11)
    ]
    assert task.one_reader is not None
    assert task.one_reader.value == pytest.approx(mean(ways))
    assert task.minus_one_reader["network"].value == pytest.approx(task.auc["network"].value - mean(ways))


def test_a_patients_readers_are_judged_over_all_nodules() -> None:
    first, second = with_ratings([(1, 4, 2), (3, 1)])
    assert readings_of([[first, second]]) == [[3, 4, 3]]
    assert readings_of([[first], [replace(second, attributes={})]]) is None


def test_too_few_patients_are_not_ranked_against_size_but_that_is_said() -> None:
    for task in check_pathology(PREDICTIONS, DIAGNOSES, simulated_context()).tasks:
        text = " ".join(pathology_sentences(task))
        assert "cannot be told from them" in text
        assert "Only 15 patients are" in text
        assert "one of the readers, rating alone, reaches" in text
        assert text.count("For a user:") == 1
        assert not can_rank(task, "diameter")


@pytest.mark.parametrize(
    ("less", "told"),
    [
        ((-0.2, -0.3, -0.1), "below one reader"),
        ((0.0, -0.1, 0.1), "not told apart from one reader"),
        ((0.2, 0.1, 0.3), "above one reader"),
    ],
)
def test_words_follow_the_interval(less: tuple[float, float, float], told: str) -> None:
    task, _ = check_pathology(PREDICTIONS, DIAGNOSES, simulated_context()).tasks
    changed = task.model_copy(update={"minus_one_reader": {"network": Estimate(*less)}})
    assert told in pathology_sentences(changed)[0]
    better = task.model_copy(update={"network_minus": {READERS: Estimate(-0.12, -0.2, -0.05)}})
    assert "truly better: +0.120 [+0.050, +0.200]" in " ".join(pathology_sentences(better))


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
