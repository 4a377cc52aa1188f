"""`nodulus evaluate` hands its options on as they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nodulus.pipeline.evaluation.evaluate
from nodulus.pipeline.command.main import run

Call = tuple[tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, bundle: Path) -> list[Call]:
    found: list[Call] = []

    def evaluate_bundle(*arguments: object, **options: object) -> Path:
        found.append((arguments, options))
        return Path("out/metrics.json")

    monkeypatch.setattr(nodulus.pipeline.evaluation.evaluate, "evaluate_bundle", evaluate_bundle)
    monkeypatch.setattr("nodulus.pipeline.command.evaluate.find_bundle", lambda place: place or bundle)
    return found


def test_the_defaults_are_the_careful_ones(calls: list[Call], bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--data", "list.json", "-o", "out"]) == 0
    arguments, options = calls[0]
    assert arguments == (Path("list.json"), Path("out"), bundle)
    assert options == {"split": "validation", "allow_overlap": False, "diagnosis": None, "device": "auto"}
    assert capsys.readouterr().out.startswith("wrote ")


def test_every_option_is_handed_on(calls: list[Call], tmp_path: Path) -> None:
    words = ["--bundle", str(tmp_path), "--split", "test", "--allow-overlap", "--diagnosis", "d.csv", "--device", "cpu"]
    assert run(["evaluate", "--data", "list.json", "-o", "out", *words]) == 0
    arguments, options = calls[0]
    assert arguments[2] == tmp_path
    assert options == {"split": "test", "allow_overlap": True, "diagnosis": Path("d.csv"), "device": "cpu"}


def test_a_split_of_no_such_name_is_refused(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--data", "list.json", "-o", "out", "--split", "best"]) == 2
    assert "validation" in capsys.readouterr().err
    assert calls == []
