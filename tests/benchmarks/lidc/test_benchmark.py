"""Tests of the whole benchmark: its folds run, resume, fail one by one, and are compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lidc import network
from benchmarks.lidc.__main__ import main
from benchmarks.lidc.baselines import READERS
from benchmarks.lidc.command import write_docs
from benchmarks.lidc.fold_run import FoldRun, TrainingOptions, finished_runs, run_fold
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.goals import goals
from benchmarks.lidc.groups import SIZE_MATCHED
from benchmarks.lidc.out_of_fold import BESIDE
from benchmarks.lidc.page import render
from benchmarks.lidc.prediction_files import load_predictions, save_predictions
from benchmarks.lidc.record import Benchmark, Goal, read_benchmark, write_benchmark
from benchmarks.lidc.run import run_all
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.lidc.scores import OWN
from nodulus.pipeline.data.data_list import DataListItem, read_data_list
from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, OUTPUTS
from nodulus.transforms.problems import UsageError

FEW = ["--resamples", "50"]


def predicted(item: DataListItem, seed: int) -> Prediction:
    """Return what a network of a seed would say of a ball: right with seed 0, less sure with another."""
    chance = (0.9 if item.label else 0.2) if seed == 0 else (0.6 if item.label else 0.5)
    return Prediction(
        nodule_id=item.nodule_id,
        patient_id=item.patient_id,
        label=item.label,
        diameter_mm=item.diameter_mm,
        probability=chance + len(item.nodule_id) / 1000 + int(item.nodule_id[-1]) / 1000,
        probability_diameter_box=chance,
        size_only=0.5,
        logits=tuple(float(index) for index in range(len(OUTPUTS))),
        characteristics={name: scale.low + 0.5 for name, scale in CHARACTERISTICS.items()},
        attributes=item.model_dump(mode="json", exclude={"nodule_id", "patient_id", "label", "diameter_mm", "image"}),
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """Let no network be trained; return the overrides of the trainings that were asked for."""
    asked: list[Mapping[str, Any]] = []

    def instead(data_list: Path, folder: Path, bundle: Path, overrides: Mapping[str, Any]) -> list[Prediction]:
        asked.append(overrides)
        return [predicted(item, overrides["seed"]) for item in read_data_list(data_list).test]

    monkeypatch.setattr(network, "train_and_score", instead)
    return asked


def run_folds(crops: Path, out: Path, bundle: Path, seeds: tuple[int, ...] = (0,)) -> None:
    for seed in seeds:
        for fold in range(5):
            run_fold(FoldRun(FoldKey(1, fold), seed), crops, out, TrainingOptions(bundle))


def test_finished_fold_is_not_trained_again(
    ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: list[Mapping[str, Any]]
) -> None:
    run = FoldRun(FoldKey(1, 3), seed=7)
    options = TrainingOptions(bundle, epochs=2, device="cpu")
    path = run_fold(run, ball_benchmark, tmp_path, options)
    assert run_fold(run, ball_benchmark, tmp_path, options) == path
    assert trained == [{"seed": 7, "max_epochs": 2, "device": "$torch.device('cpu')"}]
    assert path.parent.name == "rep1_fold3_seed7"
    assert finished_runs(tmp_path) == [run]


def test_fold_of_other_settings_is_refused_and_says_which(
    ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: list[Mapping[str, Any]]
) -> None:
    run = FoldRun(FoldKey(1, 0), seed=0)
    run_fold(run, ball_benchmark, tmp_path, TrainingOptions(bundle, epochs=2))
    with pytest.raises(UsageError, match=r"of the same settings in .*rep1_fold0_seed0, got another epochs: choose"):
        run_fold(run, ball_benchmark, tmp_path, TrainingOptions(bundle, epochs=3))
    assert len(trained) == 1


def test_predictions_are_read_back_whole(ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: object) -> None:
    path = run_fold(FoldRun(FoldKey(1, 1), 0), ball_benchmark, tmp_path, TrainingOptions(bundle))
    predictions = load_predictions(path)
    items = read_data_list(tmp_path / "rep1_fold1.json").test
    assert predictions == [predicted(item, 0) for item in items]
    assert load_predictions(save_predictions(predictions, tmp_path / "again.json")) == predictions
    path.write_text("[{}]")
    with pytest.raises(UsageError, match=r"Expected predictions, got .* in .*predictions\.json"):
        load_predictions(path)


def test_fold_that_fails_is_reported_and_stops_no_other(ball_benchmark: Path, tmp_path: Path) -> None:
    said: list[str] = []
    runs = [FoldRun(FoldKey(1, 0), 0), FoldRun(FoldKey(1, 1), 0)]
    outcomes = run_all(runs, ball_benchmark, tmp_path, TrainingOptions(tmp_path / "no_bundle"), 2, said.append)
    assert [outcome.run for outcome in outcomes] == runs
    assert all("Expected a bundle that can be trained" in (outcome.problem or "") for outcome in outcomes)
    assert sorted(said)[0].startswith("rep1_fold0_seed0: FAILED, Expected a bundle")


def test_without_networks_baselines_and_published_scores_are_compared(
    ball_benchmark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--crops", str(ball_benchmark), "-o", str(tmp_path), "--report-only", *FEW]) == 0
    record = read_benchmark(tmp_path / "benchmark.json")
    assert record.networks is None
    assert record.reference == "gradient_boosting"
    assert {goal.is_met for goal in record.goals} == {None}
    assert record.group("all").fold_mean["diameter"].value == 1
    assert capsys.readouterr().out.startswith(render(record))
    assert str(tmp_path) not in (tmp_path / "benchmark.json").read_text()


def test_networks_of_several_seeds_are_compared_one_by_one_and_by_their_mean(
    ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: object
) -> None:
    run_folds(ball_benchmark, tmp_path, bundle, seeds=(0, 4))
    command = ["--crops", str(ball_benchmark), "-o", str(tmp_path), "--report-only", "--seeds", "0", "4", *FEW]
    assert main(command) == 0
    record = read_benchmark(tmp_path / "benchmark.json")
    assert record.networks is not None
    assert record.networks.seeds == (0, 4)
    assert list(record.scores)[:3] == ["network", "network_ensemble", "network_diameter_box"]
    assert "network_diameter_box" not in {test.against for test in record.delong}
    assert [(each.rep, each.seed) for each in record.calibration] == [(1, 0), (1, 4)]
    met = {goal.what: goal.is_met for goal in record.goals}
    assert met["mean AUC"] is True
    # Balls are told apart by size: nothing is above the diameter, and the second network is sure of nothing.
    assert met["AUC less that of diameter, lower end"] is False
    assert met["expected calibration error"] is False


def test_full_repeat_is_evaluated_with_the_other_scores_beside(
    ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: object
) -> None:
    run_folds(ball_benchmark, tmp_path, bundle)
    assert main(["--crops", str(ball_benchmark), "-o", str(tmp_path), "--report-only", *FEW]) == 0
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert set(BESIDE) < set(metrics["scores"])
    assert metrics["counts"]["nodules"] == 20


def test_repeat_that_lacks_a_fold_is_not_full(
    ball_benchmark: Path, tmp_path: Path, bundle: Path, trained: object
) -> None:
    run_fold(FoldRun(FoldKey(1, 2), 0), ball_benchmark, tmp_path, TrainingOptions(bundle))
    assert main(["--crops", str(ball_benchmark), "-o", str(tmp_path), "--report-only", *FEW]) == 0
    record = read_benchmark(tmp_path / "benchmark.json")
    assert [(repeat.folds, repeat.is_full) for repeat in record.repeats] == [((2,), False)]
    assert {goal.is_met for goal in record.goals} == {None}
    assert not (tmp_path / "report").exists()


def test_untouched_patients_come_from_a_file_where_one_is_given(
    ball_benchmark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "patients.txt"
    names.write_text("patient_01\npatient_06\n")
    command = ["--crops", str(ball_benchmark), "-o", str(tmp_path / "out"), "--report-only", *FEW]
    assert main([*command, "--untouched", str(names)]) == 0
    record = read_benchmark(tmp_path / "out" / "benchmark.json")
    assert record.untouched[0] == "the file patients.txt"
    assert record.group("untouched").counts.patients == 2
    names.write_text("patient_99\n")
    assert main([*command, "--untouched", str(names)]) == 2
    assert "Expected patients of the crops" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("at", "value", "is_met"),
    [("at least", 0.97, True), ("above", 0.97, False), ("at most", 0.98, False), ("at least", None, None)],
)
def test_goal_is_held_against_its_bound(at: Any, value: float | None, is_met: bool | None) -> None:
    assert Goal(what="it", bound=0.97, at=at, value=value).is_met is is_met


def test_record_of_another_form_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    with pytest.raises(UsageError, match="Expected a benchmark's record, found no file"):
        read_benchmark(path)
    path.write_text('{"schema_version": "2"}')
    with pytest.raises(UsageError, match=r"Expected a benchmark's record, got schema_version.* in .*benchmark\.json"):
        read_benchmark(path)


def committed(bundle: Path) -> Benchmark:
    return read_benchmark(bundle / "docs" / "benchmark.json")


def test_page_is_what_the_committed_record_makes(bundle: Path, tmp_path: Path) -> None:
    page = bundle.parent.parent / "docs" / "records" / "benchmark.md"
    assert page.read_text(encoding="utf-8") == render(committed(bundle))
    assert read_benchmark(write_benchmark(committed(bundle), tmp_path / "benchmark.json")) == committed(bundle)


def test_committed_record_is_held_against_the_goals_of_today(bundle: Path) -> None:
    record = committed(bundle)
    others = [name for name in record.scores if name not in (*OWN, READERS)]
    sized = record.group(SIZE_MATCHED)
    assert goals(record.repeats, record.group("all"), sized, record.calibration, others) == record.goals


def test_page_names_no_place_of_a_machine(bundle: Path) -> None:
    assert "--crops CROPS -o OUT" in committed(bundle).command


@pytest.mark.slow
def test_one_fold_trains_calibrates_and_scores_in_a_process_and_resumes(
    ball_benchmark: Path, tmp_path: Path, small_bundle: Path
) -> None:
    small = tmp_path / "bundle"
    shutil.copytree(small_bundle, small)
    config = json.loads((small / "configs" / "train.json").read_text())
    (small / "configs" / "train.json").write_text(json.dumps(config | {"batch_size": 4}))
    out = tmp_path / "out"
    command = ["--crops", str(ball_benchmark), "-o", str(out), "--bundle", str(small), "--folds", "0", "--epochs", "1"]
    assert main([*command, "--device", "cpu", *FEW]) == 0, (out / "rep1_fold0_seed0" / "log.txt").read_text()
    path = out / "rep1_fold0_seed0" / "predictions.json"
    predictions = load_predictions(path)
    assert [len(each.logits) for each in predictions] == [len(OUTPUTS)] * 4
    assert all(0 <= each.probability <= 1 for each in predictions)
    # As if it had broken off between training and scoring.
    path.unlink()
    assert main([*command, "--device", "cpu", *FEW]) == 0
    assert load_predictions(path) == predictions


def test_the_record_goes_into_the_bundle_and_the_pages_with_its_evaluation_and_its_scores(
    bundle: Path, tmp_path: Path
) -> None:
    out, to = tmp_path / "out", tmp_path / "bundle"
    (out / "report").mkdir(parents=True)
    shutil.copy(bundle / "docs" / "benchmark.json", out / "benchmark.json")
    write_docs(out, to, tmp_path / "pages")
    assert {path.name for path in (to / "docs").iterdir()} == {"benchmark.json"}
    (out / "report" / "metrics.json").write_text("evaluation")
    (out / SCORE_FILE).write_text("scores")
    record = write_docs(out, to, tmp_path / "pages")
    assert read_benchmark(to / "docs" / "benchmark.json") == record == read_benchmark(out / "benchmark.json")
    assert (to / "docs" / "out_of_fold.json").read_text() == "evaluation"
    assert (tmp_path / "pages" / SCORE_FILE).read_text() == "scores"
    assert (tmp_path / "pages" / "benchmark.md").read_text() == render(record)
