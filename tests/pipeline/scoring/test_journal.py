"""Whatever ends a run, its journal gives back the cases that were scored, and only those of this run."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.results.record import CaseResult, NoduleResult, Probabilities
from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.scoring.journal import FILES, JOURNAL, Journal, score_journaled
from nodulus.pipeline.scoring.journal_lines import JournalLine
from nodulus.pipeline.scoring.open_case import OpenCase
from nodulus.pipeline.scoring.output_folder import OutputFolder
from nodulus.pipeline.scoring.run_identity import RunIdentity
from nodulus.transforms.problems import UsageError

RUN = RunIdentity(
    software=("nodulus 1", "torch 2"), device="cpu", bundle_sha256="b", allow=(), series_uid=None, cases_sha256="c"
)


def result_of(case: Case | OpenCase, score: float = 0.3) -> CaseResult:
    assert isinstance(case, Case)
    nodule = NoduleResult(
        nodule_id="肺 1\n",
        center_lps_mm=(0.1, -0.0, 1e-7),
        diameter_mm=9.0,
        probabilities=Probabilities(benign=1 - score, malignant=score),
    )
    return CaseResult(case_id=case.case_id, input=str(case.input), status="scored", nodules=(nodule,))


def cases_in(folder: Path, n_cases: int = 5) -> list[Case]:
    for index in range(n_cases):
        (folder / f"{index}.nii").write_text(str(index))
    return [Case(f"case {index}", folder / f"{index}.nii", ()) for index in range(n_cases)]


def run_through(
    out: Path,
    cases: list[Case],
    run: RunIdentity = RUN,
    score: Callable[[Case | OpenCase], CaseResult] = result_of,
    *,
    resume: bool = True,
) -> tuple[list[CaseResult], list[str]]:
    """Return the results of a run, and which cases it scored."""
    scored: list[str] = []

    def note_and_score(case: Case | OpenCase) -> CaseResult:
        assert isinstance(case, Case)
        scored.append(case.case_id)
        return score(case)

    with (
        OutputFolder(out, FILES, keep=(JOURNAL,) if resume else ()) as folder,
        Journal(folder, run, resume=resume) as j,
    ):
        return list(score_journaled(cases, note_and_score, j)), scored


def test_a_journal_that_was_cut_anywhere_is_gone_on_with_to_the_same_bytes(tmp_path: Path) -> None:
    cases, path = cases_in(tmp_path), tmp_path / "out" / JOURNAL
    whole, scored = run_through(tmp_path / "out", cases)
    content = path.read_bytes()
    assert len(scored) == 5
    ends = [index for index, byte in enumerate(content) if byte == ord("\n")]
    for n_bytes in {*range(0, len(content), 97), *ends, *(end + 1 for end in ends), len(content) - 3}:
        path.write_bytes(content[:n_bytes])
        results, scored = run_through(tmp_path / "out", cases)
        assert results == whole
        n_known = max(content[:n_bytes].count(b"\n") - 1, 0)
        assert scored == [case.case_id for case in cases[n_known:]]
        assert path.read_bytes() == content


def test_every_line_is_in_the_file_before_the_next_case_begins(tmp_path: Path) -> None:
    seen: list[int] = []

    def look_and_score(case: Case | OpenCase) -> CaseResult:
        seen.append((tmp_path / "out" / JOURNAL).read_bytes().count(b"\n"))
        return result_of(case)

    run_through(tmp_path / "out", cases_in(tmp_path), score=look_and_score)
    assert seen == [1, 2, 3, 4, 5]


def test_results_are_read_from_the_file_and_not_held(tmp_path: Path) -> None:
    cases = cases_in(tmp_path, 400)
    held: list[int] = []
    with OutputFolder(tmp_path / "out", FILES) as folder, Journal(folder, RUN) as journal:
        tracemalloc.start()
        for n_done, _ in enumerate(score_journaled(cases, result_of, journal), 1):
            if n_done in (100, 400):
                held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        results = journal.results([case.case_id for case in cases])
        assert list(results) == [result_of(case) for case in cases]
        assert list(results[7:9]) == [results[7], result_of(cases[8])]
    assert (held[1] - held[0]) / 300 < 1000  # a result itself takes some ten thousand bytes


def test_a_journal_that_was_removed_is_written_again(tmp_path: Path) -> None:
    def remove_and_score(case: Case | OpenCase) -> CaseResult:
        if case.case_id in ("case 2", "case 3"):  # type: ignore[union-attr]
            (tmp_path / "out" / JOURNAL).unlink()
        return result_of(case)

    cases = cases_in(tmp_path)
    whole, _ = run_through(tmp_path / "whole", cases)
    results, _ = run_through(tmp_path / "out", cases, score=remove_and_score)
    assert results == whole
    assert (tmp_path / "out" / JOURNAL).read_bytes() == (tmp_path / "whole" / JOURNAL).read_bytes()


@pytest.mark.parametrize("damage", [b"\0" * 40 + b"\n", b'{"scan": 1}\n', b"{}\n", b"\xff\xfe\n", b"\n"])
def test_a_damaged_last_line_is_dropped_and_one_before_it_is_refused(damage: bytes, tmp_path: Path) -> None:
    cases, path = cases_in(tmp_path), tmp_path / "out" / JOURNAL
    run_through(tmp_path / "out", cases)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], damage]))
    _, scored = run_through(tmp_path / "out", cases)
    assert scored == ["case 2", "case 3", "case 4"]
    assert path.read_bytes() == b"".join(lines)
    path.write_bytes(b"".join([*lines[:3], damage, *lines[4:]]))
    with pytest.raises(UsageError, match=r"something else in line 4 of .*cases.jsonl"):
        run_through(tmp_path / "out", cases)


@pytest.mark.parametrize("change", [(b"0.3", b"0.4"), (b"case 1", b"case 4"), (b"9.0", b"9"), (b'"sha', b' "sha')])
def test_a_line_that_was_changed_is_not_believed(change: tuple[bytes, bytes], tmp_path: Path) -> None:
    cases, path = cases_in(tmp_path), tmp_path / "out" / JOURNAL
    run_through(tmp_path / "out", cases)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[2].replace(*change)
    assert changed != lines[2]
    path.write_bytes(b"".join([*lines[:2], changed, *lines[3:]]))
    with pytest.raises(UsageError, match=r"something else in line 3 of .*cases.jsonl"):
        run_through(tmp_path / "out", cases)
    path.write_bytes(b"".join([*lines[:2], changed]))
    assert run_through(tmp_path / "out", cases)[1] == [case.case_id for case in cases[1:]]
    assert path.read_bytes() == b"".join(lines)


def test_a_line_of_another_run_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    run_through(tmp_path / "mine", cases)
    run_through(tmp_path / "other", cases, RUN.model_copy(update={"bundle_sha256": "other"}))
    mine, other = ((tmp_path / name / JOURNAL).read_bytes().splitlines(keepends=True) for name in ("mine", "other"))
    (tmp_path / "mine" / JOURNAL).write_bytes(b"".join([*mine[:2], other[2], *mine[3:]]))
    with pytest.raises(UsageError, match="something else in line 3"):
        run_through(tmp_path / "mine", cases)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"software": ("nodulus 2", "torch 2")}, "version of nodulus or of what runs the network"),
        ({"engine": "onnx"}, "--engine"),
        ({"device": "cuda"}, "device"),
        ({"bundle_sha256": "B"}, "bundle"),
        ({"allow": ("lossy",)}, "--allow"),
        ({"series_uid": "1.2"}, "--series"),
        ({"cases_sha256": "C"}, "cases, nodules or options that read them"),
    ],
)
def test_the_journal_of_another_run_is_refused_and_stays(change: dict[str, object], says: str, tmp_path: Path) -> None:
    cases, path = cases_in(tmp_path), tmp_path / "out" / JOURNAL
    run_through(tmp_path / "out", cases)
    before = path.read_bytes()
    other = RUN.model_copy(update=change)
    with pytest.raises(UsageError, match=rf"differs from it: {says} \(without --resume"):
        run_through(tmp_path / "out", cases, other)
    assert path.read_bytes() == before
    assert len(run_through(tmp_path / "out", cases, other, resume=False)[1]) == 5


@pytest.mark.parametrize("content", [b"notes", b"notes\n", b"[]\nnotes\n", b'{"case_id": "a"}\n', b"\0" * 9])
def test_a_file_that_is_no_journal_is_refused_and_stays(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"Expected the journal of a run to resume, got something else in .*jsonl"):
        run_through(tmp_path, [])
    assert path.read_bytes() == content


def test_a_scan_that_changed_or_came_since_is_scored_again(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    scans = [Path(str(case.input)) for case in cases]
    scans[1].unlink()
    run_through(tmp_path / "out", cases)
    scans[1].write_text("came late")
    scans[3].write_text("changed")
    scans[4].unlink()

    def other_score(case: Case | OpenCase) -> CaseResult:
        return result_of(case, score=0.9)

    results, scored = run_through(tmp_path / "out", cases, score=other_score)
    assert scored == ["case 1", "case 3", "case 4"]
    assert [case.case_id for case in results] == [case.case_id for case in cases]
    assert results == run_through(tmp_path / "out", cases)[0]  # the later line of a case counts


def test_a_folder_that_vanished_is_made_again_with_every_line(tmp_path: Path) -> None:
    cases, out = cases_in(tmp_path), tmp_path / "out"
    whole, _ = run_through(out, cases)
    content = (out / JOURNAL).read_bytes()

    def remove_and_score(case: Case | OpenCase) -> CaseResult:
        assert isinstance(case, Case)
        if case.case_id == "case 3":
            (out / JOURNAL).unlink()
            for path in out.iterdir():
                path.unlink()
            out.rmdir()
        return result_of(case)

    assert run_through(out, cases, score=remove_and_score, resume=False)[0] == whole
    assert (out / JOURNAL).read_bytes() == content


def test_a_folder_that_another_run_took_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    cases, out = cases_in(tmp_path), tmp_path / "out"
    taken: list[OutputFolder] = []

    def lose_and_score(case: Case | OpenCase) -> CaseResult:
        assert isinstance(case, Case)
        if case.case_id == "case 2":
            out.rename(tmp_path / "moved")
            taken.append(OutputFolder(out, FILES).__enter__())
            (out / JOURNAL).write_text("of the other run")
        return result_of(case)

    with pytest.raises(UsageError, match="that no other run writes to"):
        run_through(out, cases, score=lose_and_score)
    assert (out / JOURNAL).read_text() == "of the other run"
    assert (tmp_path / "moved" / JOURNAL).read_bytes().count(b"\n") == 3
    taken[0].__exit__(None, None, None)


def test_a_path_that_is_no_unicode_ends_no_run(tmp_path: Path) -> None:
    cases = [*cases_in(tmp_path, 2), Case("case \udcff", tmp_path / "scan \udcff.nii", ())]
    results, scored = run_through(tmp_path / "out", cases)
    assert len(scored) == 3
    assert (results[2].case_id, Path(results[2].input).name) == ("case \\udcff", "scan \\udcff.nii")
    assert run_through(tmp_path / "out", cases) == (results, [])


numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=300)
@given(
    numbers=st.lists(numbers, min_size=4, max_size=4),
    words=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3),
)
def test_a_result_comes_out_of_the_journal_as_it_went_in(numbers: list[float], words: list[str]) -> None:
    x, y, z, logit = numbers
    nodule = NoduleResult(
        nodule_id=words[0],
        center_lps_mm=(x, y, z),
        diameter_mm=x,
        logits=(logit, z),
        characteristics={words[1]: y},
    )
    line = JournalLine(scan="", result=CaseResult(case_id=words[1], input=words[2], status="scored", nodules=(nodule,)))
    text = line.model_dump_json()
    assert "\n" not in text
    back = JournalLine.model_validate_json(text)
    assert json.dumps(back.model_dump(mode="json")) == json.dumps(line.model_dump(mode="json"))


def test_every_digit_of_a_nodule_tells_one_run_from_another(tmp_path: Path) -> None:
    from nodulus.pipeline.scoring.run_identity import _read_case

    place = tmp_path / "a.nii"
    nodules = [
        Nodule("1", (1.0, 2.0, 3.0), 9.0),
        Nodule("1", (1.0, 2.0, 3.0000000000000004), 9.0),
        Nodule("1", (1.0, 2.0, 3.0), 9.0, attributes={"age": "60"}),
        Nodule("1", (1.0, 2.0, 3.0), 9.0, box_lps_mm=(0.0, 1.0, 2.0, 2.0, 3.0, 4.0)),
        Nodule("2", (1.0, 2.0, 3.0), 9.0),
    ]
    texts = {_read_case(Case(case_id, place, (nodule,))) for nodule in nodules for case_id in ("a", "b")}
    assert len(texts) == 10
