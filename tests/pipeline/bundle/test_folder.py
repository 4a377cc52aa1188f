"""Which bundle is taken where none, one or several are named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nodulus.pipeline.bundle.folder import BUNDLE_NAME, BUNDLE_VARIABLE, METADATA, TO_SCORE, find_bundle
from nodulus.pipeline.command.main import run
from nodulus.transforms.problems import UsageError


def write_bundle(folder: Path) -> Path:
    for name in TO_SCORE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("is_named", "is_in_variable", "taken"),
    [(True, True, "named"), (True, False, "named"), (False, True, "variable"), (False, False, None)],
)
def test_the_one_that_is_named_wins_then_the_variables_then_the_shipped(
    is_named: bool,
    is_in_variable: bool,
    taken: str | None,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, variable = write_bundle(tmp_path / "named"), write_bundle(tmp_path / "variable")
    monkeypatch.setenv(BUNDLE_VARIABLE, str(variable) if is_in_variable else "")
    assert find_bundle(named if is_named else None) == (tmp_path / taken if taken else bundle)


def test_a_bundle_planted_in_the_current_folder_is_not_looked_at(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path / "bundles" / BUNDLE_NAME)
    write_bundle(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(BUNDLE_VARIABLE, raising=False)
    assert find_bundle() == bundle


@pytest.fixture
def without_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a copy of the code that came without the bundle."""
    monkeypatch.delenv(BUNDLE_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "nodulus.bundles", None)


@pytest.mark.usefixtures("without_bundle")
def test_without_any_the_next_step_is_said() -> None:
    with pytest.raises(UsageError, match=r"install nodulus again, or name a bundle folder by --bundle DIR"):
        find_bundle()


@pytest.mark.usefixtures("without_bundle")
@pytest.mark.parametrize("words", [["info"], ["info", "--json"], ["info", "--bundle-path"], ["demo", "-o", "out"]])
def test_without_any_commands_end_with_2_and_write_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words) == 2
    said = capsys.readouterr()
    assert "install nodulus again, or name a bundle folder" in said.err
    assert len(said.err.splitlines()) == 1
    assert ("torch" in said.out) == (words in (["info"], ["info", "--json"]))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    (bundle / METADATA).unlink()
    with pytest.raises(UsageError, match=r"Expected a whole bundle, configs.metadata\.json missing from"):
        find_bundle(bundle)


def test_info_prints_the_path_alone(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--bundle-path"]) == 0
    assert capsys.readouterr().out == f"{bundle}\n"
