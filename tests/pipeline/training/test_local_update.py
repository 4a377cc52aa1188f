"""A calibration is changed at another place where that is shown to help, by what the place was made with."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from nodulus.pipeline.training.learning_curve import learning_curve, nodules_needed
from nodulus.pipeline.training.local_nodules import LocalNodules, check_enough, patient_folds
from nodulus.pipeline.training.local_update import choose_update, fit_update, local_update
from nodulus.transforms.problems import UsageError
from tests.support.local_place import local_place


@pytest.mark.parametrize(
    ("intercept", "slope", "expected"),
    [(0.0, 1.0, "as shipped"), (-1.5, 1.0, "in the large"), (-0.5, 0.35, "intercept and slope")],
)
def test_the_simplest_change_that_is_needed_is_taken(intercept: float, slope: float, expected: str) -> None:
    nodules = local_place(intercept=intercept, slope=slope)
    chosen, trials = choose_update(nodules)
    assert chosen == expected
    found = local_update(chosen, trials, nodules)
    if found is None:
        return
    assert (found.intercept, found.slope) == pytest.approx((intercept, slope), abs=0.25)
    assert found.log_loss_gain.low > 0


def test_in_the_large_as_many_are_malignant_as_the_probabilities_say() -> None:
    nodules = local_place(80, intercept=-1.0)
    update = fit_update("in the large", nodules.logits, nodules.labels)
    assert expit(nodules.logits + update.intercept).mean() == pytest.approx(nodules.labels.mean(), abs=1e-6)
    assert update.slope == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_ends_in_finite_numbers(label: int) -> None:
    update = fit_update("in the large", np.asarray([0.0, 1.0]), np.asarray([label, label]))
    assert np.isfinite(update.probability(0.0))
    assert round(update.probability(0.0)) == label


def test_no_patient_is_fitted_and_tested_in_one_fold() -> None:
    nodules = local_place(40)
    tested: list[int] = []
    for fits, tests in patient_folds(nodules, 0):
        assert {nodules.patients[row] for row in fits}.isdisjoint(nodules.patients[row] for row in tests)
        tested += tests.tolist()
    assert sorted(tested) == list(range(len(nodules)))


def test_the_curve_says_how_many_nodules_a_change_takes() -> None:
    curve = learning_curve(local_place(250, intercept=-1.5), n_draws=60)
    assert [point.nodules for point in curve] == [10, 20, 40, 80, 160, 320]
    assert all(point.draws == 60 for point in curve)
    # A needed move is worth more than nothing on the mean, is surer of more nodules, and is had before the slope is.
    widths = [point.gain["in the large"].high - point.gain["in the large"].low for point in curve]
    assert widths[-1] < widths[0]
    assert curve[-1].gain["in the large"].low > 0
    moved, stretched = (nodules_needed(curve, kind) for kind in ("in the large", "intercept and slope"))
    assert moved is not None
    assert stretched is not None
    assert moved <= stretched


def test_where_nothing_is_wrong_no_number_of_nodules_is_enough_to_gain() -> None:
    curve = learning_curve(local_place(150), n_draws=60)
    assert nodules_needed(curve, "intercept and slope") is None
    assert curve[0].gain["intercept and slope"].value < 0


def test_too_few_nodules_are_refused_in_one_line() -> None:
    nodules = local_place(300)
    few = np.concatenate([np.flatnonzero(nodules.labels == 1)[:9], np.flatnonzero(nodules.labels == 0)[:30]])
    with pytest.raises(
        UsageError, match=r"at least 10 malignant and 10 benign nodules of 5 patients.* got 9 and 30 of"
    ):
        check_enough(nodules.of(few))
    check_enough(nodules)


def test_a_part_keeps_rows_together() -> None:
    nodules = local_place(20)
    part: LocalNodules = nodules.of(np.asarray([3, 7]))
    assert part.patients == (nodules.patients[3], nodules.patients[7])
    assert part.logits.tolist() == nodules.logits[[3, 7]].tolist()
