"""A folder belongs to one run at a time, and nothing old in it looks new."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.scoring.output_folder import OutputFolder
from nodulus.transforms.problems import ProblemCode, UsageError, refuse

NAMES = ("results.json", "results.csv")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder with the results of an earlier run."""
    (tmp_path / "results.json").write_text("old")
    (tmp_path / "results.csv").write_text("old table")
    (tmp_path / "notes.txt").write_text("of the user")
    return tmp_path


def test_old_results_are_out_of_the_way_while_a_run_lasts_and_gone_when_it_is_done(out: Path) -> None:
    with OutputFolder(out, NAMES) as folder:
        folder.begin()
        during = contents(out)
        (out / "results.json").write_text("new")
        (out / "results.csv").write_text("new table")
    del during[".nodulus.lock"]
    assert during == {"results.json.before": "old", "results.csv.before": "old table", "notes.txt": "of the user"}
    assert contents(out) == {"results.json": "new", "results.csv": "new table", "notes.txt": "of the user"}


def test_what_a_run_goes_on_with_stays_in_its_place(out: Path) -> None:
    with OutputFolder(out, NAMES, keep=("results.csv",)):
        assert (out / "results.csv").read_text() == "old table"


def test_a_wrong_call_leaves_everything_as_it_was(out: Path, tmp_path: Path) -> None:
    before = contents(out)
    with pytest.raises(UsageError, match="wrong"), OutputFolder(out, NAMES):
        raise UsageError("a wrong call")
    assert contents(out) == before
    with pytest.raises(UsageError, match="wrong"), OutputFolder(tmp_path / "new" / "deep", NAMES):
        raise UsageError("a wrong call")
    assert contents(out) == before


@pytest.mark.parametrize("has_begun", [False, True])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("a bug"), refuse(ProblemCode.UNTRUSTED_BUNDLE, "another's")]
)
def test_a_run_that_was_broken_off_leaves_old_results_aside(error: BaseException, has_begun: bool, out: Path) -> None:
    def break_off() -> None:
        with OutputFolder(out, NAMES) as folder:
            if has_begun:
                folder.begin()
            raise error

    with pytest.raises(type(error)):
        break_off()
    after = contents(out)
    assert after == {"results.json.before": "old", "results.csv.before": "old table", "notes.txt": "of the user"}
    # And the next one that is done cleans up.
    with OutputFolder(out, NAMES) as folder:
        folder.begin()
    assert contents(out) == {"notes.txt": "of the user"}


def test_a_disk_that_fails_once_the_run_has_begun_is_no_wrong_call(out: Path) -> None:
    def fill_disk() -> None:
        with OutputFolder(out, NAMES) as folder:
            folder.begin()
            raise UsageError("No space left on device")

    with pytest.raises(UsageError, match="No space"):
        fill_disk()
    assert not (out / "results.json").exists()


def test_the_second_run_into_a_folder_is_refused_and_touches_nothing(out: Path) -> None:
    with OutputFolder(out, NAMES) as folder:
        folder.begin()
        (out / "results.json").write_text("new")
        before = contents(out)
        message = rf"^Expected an output folder that no other run writes to, got {out}, where one is at work$"
        with pytest.raises(UsageError, match=message), OutputFolder(out, NAMES):
            pass
        assert contents(out) == before
    with OutputFolder(out, NAMES):
        pass


def test_a_lock_that_nobody_holds_is_in_nobodys_way(out: Path) -> None:
    (out / ".nodulus.lock").touch()
    with OutputFolder(out, NAMES):
        pass


@pytest.mark.parametrize("name", ["file", "file/sub", "zero\0byte"])
def test_a_place_that_cannot_be_written_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with (
        pytest.raises(UsageError, match=r"Expected a folder to write to, got .*(file|byte)"),
        OutputFolder(tmp_path / name, NAMES),
    ):
        pass
    assert contents(tmp_path) == {"file": "a file"}
