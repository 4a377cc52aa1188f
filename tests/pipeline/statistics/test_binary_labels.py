"""Labels and scores that a measure cannot use are refused with what was expected."""

from __future__ import annotations

import numpy as np
import pytest

from nodulus.pipeline.statistics.binary_labels import class_counts, malignant_mask, probability_array, score_array


def test_nodules_are_counted_by_class_and_patient() -> None:
    counts = class_counts(malignant_mask([0, 1, 1]), ["a", "a", "b"])
    assert counts == {"nodules": 3, "patients": 2, "malignant": 2, "benign": 1}


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [0, 1, 2], []])
def test_labels_of_one_class_or_unknown_ones_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="Expected labels 0 and 1, both present"):
        malignant_mask(labels)


def test_scores_of_another_number_of_nodules_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected one number a nodule, 3, in brock, got shape \(2,\)"):
        score_array([0.1, 0.2], 3, "brock")


def test_a_missing_score_is_refused() -> None:
    with pytest.raises(ValueError, match="in brock, got NaN for 1 of 2"):
        score_array([0.1, np.nan], 2, "brock")


@pytest.mark.parametrize("probabilities", [[-0.1, 0.5], [0.5, 1.1]])
def test_what_is_no_probability_is_refused(probabilities: list[float]) -> None:
    with pytest.raises(ValueError, match="Expected probabilities between 0 and 1"):
        probability_array(probabilities, 2)
