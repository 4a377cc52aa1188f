"""What an evaluation says of predictions whose worth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from nodulus.pipeline.data.label_rules import LABEL_RULES
from nodulus.pipeline.evaluation.metrics import evaluate_predictions, hardest
from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.evaluation.rating_agreement import mean_absolute_error, spearman
from nodulus.pipeline.evaluation.record import DIAMETER, DIAMETER_BOX, NETWORK, SIZE_ONLY, Evaluation
from nodulus.transforms.problems import UsageError
from tests.support.simulated_predictions import simulated_context, simulated_predictions, with_ratings


@pytest.fixture(scope="module")
def predictions() -> list[Prediction]:
    return simulated_predictions()


@pytest.fixture(scope="module")
def evaluation(predictions: list[Prediction]) -> Evaluation:
    return evaluate_predictions(predictions, simulated_context())


def test_a_network_that_sees_more_than_the_diameter_has_a_paired_interval_above_zero(evaluation: Evaluation) -> None:
    network = evaluation.scores[NETWORK]
    assert network.minus_diameter is not None
    assert network.minus_diameter_p is not None
    assert network.minus_diameter.low > 0
    assert network.minus_diameter_p < 0.001
    difference = network.auc.value - evaluation.scores[DIAMETER].auc.value
    assert network.minus_diameter.value == pytest.approx(difference)


def test_differences_to_the_network_are_those_to_the_score_turned_round(evaluation: Evaluation) -> None:
    gain, turned = evaluation.scores[NETWORK].minus_diameter, evaluation.scores[DIAMETER].network_minus
    assert gain is not None
    assert turned is not None
    assert (turned.value, turned.low, turned.high) == pytest.approx((gain.value, gain.low, gain.high))


def test_a_score_that_orders_as_the_diameter_does_differs_from_it_by_nothing(evaluation: Evaluation) -> None:
    size_only = evaluation.scores[SIZE_ONLY]
    assert size_only.minus_diameter is not None
    assert (size_only.minus_diameter.low, size_only.minus_diameter.high) == (0, 0)
    assert size_only.minus_diameter_p == 1


def test_undecided_nodules_are_counted_and_not_scored(evaluation: Evaluation, predictions: list[Prediction]) -> None:
    undecided = [one for one in predictions if one.label is None]
    assert undecided
    assert evaluation.counts.undecided == len(undecided)
    assert evaluation.counts.nodules == len(predictions) - len(undecided)
    assert evaluation.flags.nodules == len(predictions)


def test_a_baseline_that_some_nodules_lack_is_compared_on_those_that_have_it(predictions: list[Prediction]) -> None:
    partial = [one if index % 2 else replace(one, baselines={}) for index, one in enumerate(predictions)]
    evaluation = evaluate_predictions(partial, simulated_context(n_resamples=50))
    having = [one for one in partial if one.baselines and one.label is not None]
    alone = evaluate_predictions(having, simulated_context(n_resamples=50))
    assert evaluation.scores["hand features"] == alone.scores["hand features"]
    assert evaluation.scores["hand features"].network_auc == alone.scores[NETWORK].auc
    assert "hand features" not in evaluation.curves_roc, "curves are drawn on the same nodules"


def test_the_record_is_strict_json_and_reads_back_as_it_was(evaluation: Evaluation) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    text = evaluation.model_dump_json()
    assert json.loads(text, parse_constant=refuse)["schema_version"] == "1"
    assert Evaluation.model_validate_json(text) == evaluation


def test_label_rules_count_what_a_hand_counts() -> None:
    # Means 1.5, 2.5, 3, 3, 3.25, 4.5; medians 1.5, 2.5, 3, 2.5, 3.5, 4.5.
    shapes = [(1, 2), (2, 3), (3, 3), (2, 2, 3, 5), (2, 3, 4, 4), (4, 5)]
    assert with_ratings(shapes)[3].label is None
    evaluation = evaluate_predictions(with_ratings(shapes * 2), simulated_context(n_resamples=50))
    found = {
        rule.name: (rule.counts.malignant, rule.counts.benign, rule.counts.undecided) for rule in evaluation.label_rules
    }
    assert found == {
        "mean above 3 against below 3": (4, 4, 4),
        "median above 3 against below 3": (4, 6, 2),
        "median at least 4 against at most 2": (2, 2, 8),
        "mean above 3 against 3 and below": (4, 8, 0),
        "mean 3 and above against below 3": (8, 4, 0),
    }
    assert all(rule.reason for rule in evaluation.label_rules), "too few nodules to tell an AUC"


@pytest.mark.parametrize("rule", list(LABEL_RULES.values()), ids=list(LABEL_RULES))
def test_no_label_rule_depends_on_the_order_of_the_readers(rule: object) -> None:
    assert callable(rule)
    assert rule((1, 3, 5, 5)) == rule((5, 3, 5, 1))


def test_groups_too_small_to_tell_say_so(evaluation: Evaluation, predictions: list[Prediction]) -> None:
    few = [replace(one, attributes={**one.attributes, "manufacturer": "RARE"}) for one in predictions[:4]]
    found = evaluate_predictions([*few, *predictions[4:]], simulated_context(n_resamples=50)).subgroups
    (rare,) = [group for group in found if group.name == "RARE"]
    assert rare.reason is not None
    assert "too few" in rare.reason
    assert not rare.auc
    assert all(group.auc or group.reason for group in evaluation.subgroups)
    assert {group.of for group in found} == {"manufacturer", "slice thickness (mm)", "sex", "age (years)"}


def test_every_labelled_nodule_is_in_one_group_of_each_kind(evaluation: Evaluation) -> None:
    for of in {group.of for group in evaluation.subgroups}:
        assert (
            sum(group.counts.nodules for group in evaluation.subgroups if group.of == of) == evaluation.counts.nodules
        )
    assert sum(group.counts.nodules for group in evaluation.sizes) == evaluation.counts.nodules


def test_size_matched_scores_are_those_of_nodules_of_that_size(predictions: list[Prediction]) -> None:
    evaluation = evaluate_predictions(predictions, simulated_context(n_resamples=50))
    inside = [one for one in predictions if one.label is not None and 8 <= one.diameter_mm <= 15]
    assert evaluation.size_matched[NETWORK].counts.nodules == len(inside)
    assert evaluation.size_matched[DIAMETER_BOX].counts.nodules == len(inside)


def test_operating_points_are_measured_here_at_the_threshold_given(evaluation: Evaluation) -> None:
    sensitive, specific = evaluation.operating_points
    assert sensitive.network.threshold == sensitive.chosen.threshold == 0.2
    assert sensitive.network.sensitivity.value > specific.network.sensitivity.value
    assert sensitive.called_malignant > specific.called_malignant


def test_flags_are_counted_by_reason_without_its_numbers(evaluation: Evaluation, predictions: list[Prediction]) -> None:
    n_flagged = sum(one.diameter_mm > 20 for one in predictions)
    assert n_flagged > 1
    assert evaluation.flags.flagged == n_flagged
    assert evaluation.flags.reasons == {"diameter … mm above … mm": n_flagged}
    assert evaluation.flags.auc_unflagged is not None


def test_the_hardest_cases_are_the_worst_mistakes_first(predictions: list[Prediction]) -> None:
    wrong = replace(predictions[0], nodule_id="wrong", patient_id="other", label=0, probability=0.9999)
    found = hardest([*predictions, wrong])
    errors = [abs(one.probability - (one.label or 0)) for one in found]
    assert found[0].nodule_id == "wrong"
    assert errors == sorted(errors, reverse=True)
    assert len(found) == 8


def test_predicted_characteristics_are_held_against_the_readers_mean(evaluation: Evaluation) -> None:
    by_name = {one.name: one for one in evaluation.characteristics}
    assert len(by_name) == 8
    assert by_name["margin"].spearman is not None
    assert by_name["margin"].spearman.low > 0.5
    # The predictions are off by normal noise of 0.3 points: on average 0.3 * sqrt(2 / pi).
    assert by_name["margin"].mean_absolute_error.value == pytest.approx(0.24, abs=0.03)


def test_ratings_that_are_missing_leave_no_record() -> None:
    bare = [replace(one, attributes={}) for one in simulated_predictions(60)]
    evaluation = evaluate_predictions(bare, simulated_context(n_resamples=50))
    assert evaluation.characteristics == ()
    assert evaluation.label_rules == ()
    assert {group.name for group in evaluation.subgroups} == {"unknown"}


def test_rank_correlation_is_scipys_ties_included() -> None:
    random = np.random.default_rng(1)
    predicted, rated = random.normal(size=50).round(1), random.integers(1, 6, 50)
    found = spearman(predicted, rated, [str(index) for index in range(50)], n_resamples=20)
    assert found is not None
    assert found.value == pytest.approx(spearmanr(predicted, rated).statistic)


def test_a_rating_that_never_changes_has_no_rank_correlation_but_an_error() -> None:
    patients = [str(index) for index in range(10)]
    assert spearman([1.0] * 10, list(range(10)), patients, n_resamples=20) is None
    assert mean_absolute_error([1.0] * 10, [2.0] * 10, patients, n_resamples=20).value == 1


def test_one_class_alone_is_refused(predictions: list[Prediction]) -> None:
    with pytest.raises(UsageError, match=r"two labelled nodules of each class.*got 0 malignant"):
        evaluate_predictions([one for one in predictions if one.label != 1], simulated_context())


def test_a_nodule_that_stands_in_the_list_twice_is_refused(predictions: list[Prediction]) -> None:
    with pytest.raises(UsageError, match="each nodule once, got n000 of patient p000"):
        evaluate_predictions([*predictions, predictions[0]], simulated_context())


def test_nodules_of_one_patient_are_refused_as_no_interval_holds_others(predictions: list[Prediction]) -> None:
    alone = [replace(one, patient_id="alone", nodule_id=f"n{index}") for index, one in enumerate(predictions)]
    with pytest.raises(UsageError, match="at least two patients to evaluate, got those of one"):
        evaluate_predictions(alone, simulated_context())


def test_size_matched_scores_need_as_many_nodules_as_any_group(predictions: list[Prediction]) -> None:
    inside = [one.nodule_id for one in predictions if one.label == 1 and 8 <= one.diameter_mm <= 15]
    few = [one for one in predictions if one.nodule_id not in inside[4:]]
    evaluation = evaluate_predictions(few, simulated_context(n_resamples=50))
    (stratum,) = [group for group in evaluation.sizes if group.name == "8-15"]
    assert stratum.counts.malignant == 4
    assert stratum.reason is not None
    assert not evaluation.size_matched
