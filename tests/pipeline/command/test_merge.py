"""Shards of a run, joined, are the run: the same files but for the time, and what is missing or double is named."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.shard import read_shard
from tests.support.cases_table import write_cases_table

N_CASES, N_SHARDS, GONE = 8, 3, 5
OPTIONS = ("--quiet", "--fhir")
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@pytest.fixture(scope="module")
def table(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases_table(tmp_path_factory.mktemp("cases"), study, N_CASES, GONE, own_scans=False)


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert run(["infer", str(table), "-o", str(out), *OPTIONS]) == 4
    return out


@pytest.fixture(scope="module")
def parts(table: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    outs = [folder / str(number) for number in range(1, N_SHARDS + 1)]
    for number, out in enumerate(outs, 1):
        assert run(["infer", str(table), "-o", str(out), "--shard", f"{number}/{N_SHARDS}", *OPTIONS]) in (0, 4)
    return outs


def files_of(out: Path) -> dict[str, str]:
    """Return all files of a run's output but its journal, the time left out."""
    texts = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
    texts.pop("cases.jsonl", None)
    record = json.loads(texts["results.json"])
    record["run"] = record["created"] = ""
    texts["results.json"] = json.dumps(record, indent=2)
    return {name: TIME.sub("", text) for name, text in texts.items()}


def errors(capfd: pytest.CaptureFixture[str]) -> str:
    """Return the last line on standard error, which says how the command ended."""
    return capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("with_table", [True, False])
def test_joined_shards_are_one_run_over_the_table(
    order: list[int], with_table: bool, table: Path, whole: Path, parts: list[Path], tmp_path: Path
) -> None:
    more = ["--cases", str(table)] if with_table else []
    names = [str(parts[index]) for index in order]
    assert run(["merge", *names, "-o", str(tmp_path), "--quiet", *more]) == 4
    assert files_of(tmp_path) == files_of(whole)
    record, one_run = (read_results(out / "results.json").run for out in (tmp_path, whole))
    assert record is not None
    assert one_run is not None
    assert record.options == one_run.options
    assert (record.command, record.device) == ("merge", one_run.device)


def test_each_shard_has_the_cases_that_its_name_says(parts: list[Path]) -> None:
    held = [{case.case_id for case in read_results(out / "results.json").cases} for out in parts]
    assert sum(map(len, held)) == N_CASES
    assert set.union(*held) == {f"case {index}" for index in range(N_CASES)}
    for number, names in enumerate(held, 1):
        assert all(read_shard(f"{number}/{N_SHARDS}").holds(name) for name in names)


def test_what_is_missing_is_named_and_nothing_is_written(
    table: Path, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["merge", str(parts[0]), str(parts[2]), "-o", str(out)]
    assert run(command) == 2
    assert errors(capfd) == "nodulus: Expected each of 3 shards once, got no shard 2/3"
    assert run([*command, "--cases", str(table)]) == 2
    missing = ", ".join(case.case_id for case in read_results(parts[1] / "results.json").cases)
    assert errors(capfd) == f"nodulus: Expected each of 3 shards once, got no shard 2/3; no result of {missing}"
    assert not out.exists()


def test_what_is_double_is_named(parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    again = tmp_path / "again"
    shutil.copytree(parts[1], again)
    assert run(["merge", *map(str, parts), str(again), "-o", str(tmp_path / "out")]) == 2
    assert errors(capfd).endswith(f"got shard 2/3 in {parts[1]} and {again}")


def test_a_table_with_other_cases_is_no_table_of_the_run(
    table: Path, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "cases.csv"
    other.write_text(table.read_text().replace("case 3", "case three"))
    assert run(["merge", *map(str, parts), "-o", str(tmp_path / "out"), "--cases", str(other)]) == 2
    line = errors(capfd)
    assert "no result of case three" in line
    assert "cases that the table does not have case 3" in line


def test_parts_of_another_run_are_refused_by_what_differs(
    table: Path, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    longer = tmp_path / "longer.csv"
    longer.write_text(table.read_text() + table.read_text().splitlines()[-1].replace("case 7", "case 8") + "\n")
    calls = {
        "--measures": [str(table), "--shard", "2/3", "--measures"],
        "files asked for": [str(table), "--shard", "2/3", "--report"],
        "cases, nodules or options that read them": [str(longer), "--shard", "2/3"],
        "--shard (1/3 and 2/4)": [str(table), "--shard", "2/4"],
    }
    for index, (said, words) in enumerate(calls.items()):
        out = tmp_path / str(index)
        run(["infer", *words, *OPTIONS, "-o", str(out)])
        capfd.readouterr()
        assert run(["merge", str(parts[0]), str(out), str(parts[2]), "-o", str(tmp_path / "out")]) == 2
        line = errors(capfd)
        assert line == (f"nodulus: Expected the shards of one run, got {out} that differs from {parts[0]}: {said}")


@pytest.mark.parametrize("field", ["software", "bundle_sha256", "device"])
def test_parts_of_another_bundle_version_or_device_are_refused(
    field: str, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from nodulus.pipeline.scoring import parts as module
    from nodulus.pipeline.scoring.run_identity import WORDS
    from nodulus.transforms.problems import UsageError

    read = [module.read_part(folder) for folder in parts]
    value = ("nodulus 9", "torch 9") if field == "software" else "other"
    changed = read[1].run.model_copy(update={field: value})
    read[1] = module.Part(read[1].folder, read[1].head, changed, read[1].shard, read[1].results)
    with pytest.raises(UsageError, match=WORDS[field]):
        module.check_parts(read)


def test_an_unfinished_shard_is_refused_and_resume_finishes_it(
    table: Path, whole: Path, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken, out = tmp_path / "broken", tmp_path / "out"
    number = next(index for index, part in enumerate(parts) if len(read_results(part / "results.json").cases) > 1)
    shutil.copytree(parts[number], broken)
    (broken / "results.json").unlink()
    lines = (broken / "cases.jsonl").read_bytes().splitlines(keepends=True)
    (broken / "cases.jsonl").write_bytes(b"".join(lines[:2]))
    given = [str(broken if index == number else part) for index, part in enumerate(parts)]
    assert run(["merge", *given, "-o", str(out)]) == 2
    assert f"shard {number + 1}/3 with 1 of {len(lines) - 1} cases in {broken}: --resume" in errors(capfd)
    assert run(["infer", str(table), "-o", str(broken), "--shard", f"{number + 1}/3", "--resume", *OPTIONS]) in (0, 4)
    assert run(["merge", *given, "-o", str(out), "--quiet"]) == 4
    assert files_of(out) == files_of(whole)


def test_a_changed_line_or_file_is_refused(
    parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(parts[0], changed)
    file = next(changed.rglob("fhir.json"))
    file.write_text(file.read_text() + " ")
    given = [str(changed), *map(str, parts[1:])]
    assert run(["merge", *given, "-o", str(tmp_path / "out")]) == 2
    assert errors(capfd) == f"nodulus: Expected the file that shard 1/3 wrote, got another at {file}"
    journal = changed / "cases.jsonl"
    journal.write_text(journal.read_text().replace('"malignant":0.', '"malignant":0.0', 1))
    assert run(["merge", *given, "-o", str(tmp_path / "out")]) == 2
    assert "something else in line 2 of" in errors(capfd)


def test_what_is_no_shard_is_refused(
    whole: Path, parts: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["merge", str(whole), "-o", str(tmp_path / "out")]) == 2
    assert errors(capfd).endswith(f"got that of a run without --shard in {whole}")
    assert run(["merge", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]) == 2
    assert "No such file or directory" in errors(capfd)
    assert run(["merge", *map(str, parts), "-o", str(parts[0])]) == 2
    assert "Expected a folder of its own" in errors(capfd)
    assert (parts[0] / "results.json").is_file()


def test_a_shard_of_a_single_scan_is_refused(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["infer", str(study.nifti), "--point", "1,2,3", "--diameter", "9", "-o", str(tmp_path), "--shard", "1/2"]
    assert run(command) == 2
    assert errors(capfd) == "nodulus: Expected a cases table beside --shard 1/2, got a single scan"
