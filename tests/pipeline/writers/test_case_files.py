"""Each case's files lie where its record says, and a writer that refuses costs its own file alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.files import write_text
from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.pipeline.writers.scored_case import ScoredCase
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode

HEAD = results_of((), BundleIdentity(name="b", version="1", weights_sha256="0" * 64, score_meaning="an opinion"))


def case(case_id: str) -> CaseResult:
    return CaseResult(case_id=case_id, input="scan", status="scored")


def write_name(scored: ScoredCase, folder: Path) -> tuple[Path, ...]:
    return (write_text(folder / "name.txt", scored.result.case_id),)


def refuse(scored: ScoredCase, folder: Path) -> tuple[Path, ...]:
    raise InputRefusedError(Problem(ProblemCode.NO_GEOMETRY, "Expected DICOM, got NIfTI"))


def test_a_single_case_has_its_files_in_the_run_s_folder(tmp_path: Path) -> None:
    written = CaseFiles(HEAD, {"name.txt": write_name}, tmp_path, ["one"]).write(case("one"), None)
    assert written.files == ("name.txt",)
    assert (tmp_path / "name.txt").read_text() == "one"


@pytest.mark.parametrize("case_ids", [["a", "A", "../a"], ["a/b", "a_b", "a b"], ["con", "CON", "..", "."]])
def test_each_of_many_cases_has_a_folder_of_its_own(case_ids: list[str], tmp_path: Path) -> None:
    files = CaseFiles(HEAD, {"name.txt": write_name}, tmp_path / "out", case_ids)
    written = [files.write(case(case_id), None).files for case_id in case_ids]
    assert [(tmp_path / "out" / name).read_text() for (name,) in written] == case_ids
    assert len({name.lower() for (name,) in written}) == len(case_ids)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_writer_that_refuses_leaves_a_warning_and_the_other_files(tmp_path: Path) -> None:
    files = CaseFiles(HEAD, {"sr.dcm": refuse, "name.txt": write_name}, tmp_path, ["one"])
    written = files.write(case("one"), None)
    assert written.files == ("name.txt",)
    (warning,) = written.warnings
    assert (warning.code, warning.message) == ("no_geometry", "sr.dcm was not written: Expected DICOM, got NIfTI")
