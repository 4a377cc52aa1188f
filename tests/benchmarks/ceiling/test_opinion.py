"""The model of opinions, on ratings that were drawn from a known one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.ceiling.opinion import OPINIONS, OpinionModel, count_ratings, fit_opinions
from benchmarks.ceiling.perfect import (
    Decided,
    decided,
    label_chances,
    panel_auc,
    perfect_auc,
    perfect_errors,
    simulated_auc,
    turned,
    undecided_share,
)
from nodulus.pipeline.statistics.metrics import roc_auc

CUTS = (-1.5, -0.5, 0.5, 1.5)


def drawn(n: int, width: float, n_readers: int = 4, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return opinions, and what readers with a noise of 1 make of them."""
    generator = np.random.default_rng(seed)
    opinions = generator.normal(0, width, n)
    impressions = opinions[:, None] + generator.normal(size=(n, n_readers))
    return opinions, np.digitize(impressions, CUTS) + 1


def fitted(ratings: NDArray[np.intp], n_normals: int = 1) -> OpinionModel:
    counts = count_ratings(ratings.tolist())
    return fit_opinions(counts, np.ones(len(counts)), n_normals).model


def four(model: OpinionModel) -> Decided:
    return decided(model, {4: 4}, {4: 1.0})


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_the_fitted_model_knows_what_the_drawn_opinions_and_new_readers_reach(width: float) -> None:
    opinions, ratings = drawn(6000, width)
    _, others = drawn(6000, width)  # the same opinions
    np.testing.assert_array_equal(ratings, others)
    generator = np.random.default_rng(7)
    second = np.digitize(opinions[:, None] + generator.normal(size=(6000, 4)), CUTS) + 1
    medians = np.median(ratings, axis=1)
    with_label, labels = medians != 3, (medians > 3)[medians != 3].astype(int)
    model = fitted(ratings)
    assert perfect_auc(four(model)) == pytest.approx(roc_auc(labels, opinions[with_label]), abs=0.01)
    assert panel_auc(model, four(model), 4) == pytest.approx(
        roc_auc(labels, second.mean(axis=1)[with_label]), abs=0.015
    )
    assert undecided_share(model, 4) == pytest.approx(np.mean(medians == 3), abs=0.02)


def test_readers_who_agree_leave_a_ceiling_of_one() -> None:
    ratings = np.repeat(np.random.default_rng(0).integers(1, 6, (300, 1)), 4, axis=1)
    assert perfect_auc(four(fitted(ratings))) > 0.99


def test_readers_who_throw_coins_leave_nothing_to_know() -> None:
    ratings = np.random.default_rng(0).integers(1, 6, (3000, 4))
    assert perfect_auc(four(fitted(ratings))) < 0.65
    assert panel_auc(fitted(ratings), four(fitted(ratings)), 4) < 0.55


def test_two_heaps_of_opinions_are_told_from_one() -> None:
    generator = np.random.default_rng(0)
    opinions = np.where(generator.random(1500) < 0.7, generator.normal(0, 0.3, 1500), generator.normal(2.5, 0.3, 1500))
    ratings = np.digitize(opinions[:, None] + generator.normal(size=(1500, 4)), CUTS) + 1
    counts = count_ratings(ratings.tolist())
    one, two = (fit_opinions(counts, np.ones(1500), n).loss for n in (1, 2))
    assert two < one - 10


def test_weights_count_nodules_as_often() -> None:
    counts = count_ratings([[1, 2, 2], [5, 4, 4], [3, 3, 2, 3], [5, 4, 3, 5]] * 20)
    weights = np.tile([1.0, 2.0, 1.0, 3.0], 20)
    repeated = np.repeat(counts, weights.astype(int), axis=0)
    assert fit_opinions(counts, weights, 1).loss == pytest.approx(
        fit_opinions(repeated, np.ones(len(repeated)), 1).loss
    )


def test_chances_of_a_label_are_those_of_all_panels() -> None:
    chances = np.asarray([[0.1, 0.2, 0.4, 0.2, 0.1]])
    malignant, benign = label_chances(chances, 1)
    assert (malignant[0], benign[0]) == pytest.approx((0.3, 0.3))
    # Of three readers two must stand above 3.
    assert label_chances(chances, 3)[0][0] == pytest.approx(0.3**3 + 3 * 0.3**2 * 0.7)


def test_errors_of_the_best_cut_and_simulated_benchmarks() -> None:
    steps = np.zeros(len(OPINIONS))
    malignant, benign = steps.copy(), steps.copy()
    benign[0], benign[1], malignant[1], malignant[2] = 0.4, 0.1, 0.2, 0.3
    nodules = Decided(malignant, benign)
    assert perfect_errors(nodules) == pytest.approx(0.1)
    assert perfect_auc(nodules) == pytest.approx(1 - 0.5 * 0.2 * 0.4)
    many = simulated_auc(nodules, 200_000, np.random.default_rng(0))
    assert many == pytest.approx(perfect_auc(nodules), abs=0.005)


def test_a_label_that_readers_split_on_is_turned_more_often() -> None:
    model = fitted(drawn(2000, 1.0)[1])
    chances = [turned(model, count_ratings([panel])[0], 4, 1) for panel in ([5, 5, 5, 5], [4, 4, 4, 3], [2, 4, 3, 4])]
    assert chances == sorted(chances)
    assert chances[0] < 0.05
    assert 0.1 < chances[2] < 0.5
