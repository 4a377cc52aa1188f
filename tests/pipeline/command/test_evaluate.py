"""`nodulus evaluate` hands its options on as they were given."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import nodulus.pipeline.evaluation.evaluate
from nodulus.pipeline.command.main import run
from nodulus.pipeline.command.progress import show_progress
from nodulus.pipeline.evaluation.metrics import evaluate_predictions
from nodulus.pipeline.evaluation.record import write_evaluation
from tests.support.simulated_predictions import simulated_context, simulated_predictions

Call = tuple[tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, bundle: Path, tmp_path: Path) -> list[Call]:
    found: list[Call] = []

    def evaluate_bundle(*arguments: object, **options: Any) -> Path:
        options.pop("tell")("scoring, batch", 1, 2)
        found.append((arguments, options))
        context = simulated_context(caveat="all 120 patients chose the best epoch: expect less", n_resamples=20)
        return write_evaluation(evaluate_predictions(simulated_predictions(40), context), tmp_path / "metrics.json")

    monkeypatch.setattr(nodulus.pipeline.evaluation.evaluate, "evaluate_bundle", evaluate_bundle)
    monkeypatch.setattr("nodulus.pipeline.command.evaluate.find_bundle", lambda place: place or bundle)
    return found


def test_the_defaults_are_the_careful_ones(calls: list[Call], bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--data", "list.json", "-o", "out"]) == 0
    arguments, options = calls[0]
    assert arguments == (Path("list.json"), Path("out"), bundle)
    assert options == {
        "split": "validation",
        "allow_overlap": False,
        "diagnosis": None,
        "prevalence": None,
        "device": "auto",
        "trust": False,
    }
    said = capsys.readouterr()
    headline, *written = said.out.splitlines()
    assert re.match(
        r"AUC 0\.\d{3} \(.*\), of the diameter alone 0\.\d{3} \(.*\), on \d+ nodules of \d+ patients; all 120", headline
    )
    assert [Path(line.removeprefix("wrote ")).name for line in written] == [
        "report.html",
        "metrics.json",
        "nodules.csv",
    ]
    assert said.err == ""


def test_a_quiet_evaluation_says_nothing(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--data", "list.json", "-o", "out", "--quiet"]) == 0
    assert len(calls) == 1
    assert capsys.readouterr() == ("", "")


def test_weights_of_a_run_are_evaluated_where_they_lie(
    calls: list[Call], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "model.pt"
    words = ["evaluate", "--data", "list.json", "-o", "out", "--weights", str(weights)]
    assert run(words) == 2
    assert capsys.readouterr().err == f"nodulus: Expected trained weights, found no file {weights}\n"
    weights.touch()
    assert run(words) == 0
    assert calls[0][1]["weights"] == str(weights)


@pytest.mark.parametrize("quiet", [True, False])
def test_progress_is_for_terminals_that_did_not_ask_for_quiet(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("nodulus.pipeline.command.progress.error_console", Console(file=shown, force_terminal=True))
    with show_progress(quiet=quiet) as tell:
        for step in (
            ("checking the images", 0, 0),
            ("scoring, batch", 1, 7),
            ("scoring, batch", 2, 7),
            ("drawing", 0, 0),
        ):
            tell(*step)
    assert ("drawing" in shown.getvalue()) == (not quiet)


def test_every_option_is_handed_on(calls: list[Call], tmp_path: Path) -> None:
    words = ["--bundle", str(tmp_path), "--split", "test", "--allow-overlap", "--diagnosis", "d.csv", "--device", "cpu"]
    assert run(["evaluate", "--data", "list.json", "-o", "out", *words]) == 0
    arguments, options = calls[0]
    assert arguments[2] == tmp_path
    assert options == {
        "split": "test",
        "allow_overlap": True,
        "diagnosis": Path("d.csv"),
        "prevalence": None,
        "device": "cpu",
        "trust": False,
    }


def test_a_split_of_no_such_name_is_refused(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--data", "list.json", "-o", "out", "--split", "best"]) == 2
    assert "validation" in capsys.readouterr().err
    assert calls == []
