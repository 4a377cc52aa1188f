"""A scan behind a URL gives what its file on the disk gives, and what cannot be fetched is one refused case."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from nodulus.pipeline import Scorer
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import CaseResult, read_results
from nodulus.pipeline.scoring import remote_scan
from nodulus.pipeline.scoring.cases import Case, read_cases
from nodulus.pipeline.scoring.remote_scan import RemoteScan, check_fetchable, on_disk, place_of
from nodulus.pipeline.scoring.run_identity import scan_stamp
from nodulus.transforms.problems import UsageError

HEADER = "case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm"
SECRET = "https://me:pw@host/b/a%20b.nii.gz?X-Sig=s3cret"


class Unsteady(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Keeps files in memory, and fails as often as it is told to, by an error that tells the URL."""

    protocol = "unsteady"
    store: dict[str, Any] = {}  # noqa: RUF012
    n_failing = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.rpartition("://")[2].partition("?")[0].lstrip("/")

    def open(self, path: str, *args: Any, **kwargs: Any) -> Any:
        if Unsteady.n_failing > 0:
            Unsteady.n_failing -= 1
            raise TimeoutError("no answer from unsteady://host/a.nii?X-Sig=s3cret")
        return super().open(path, *args, **kwargs)


fsspec.register_implementation("unsteady", Unsteady, clobber=True)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep copies in a folder of the test's own, which is empty afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(remote_scan, "_PAUSES_S", (0.0, 0.0))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle, device="cpu", digests=True)


@pytest.fixture(scope="module")
def zipped(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.make_archive(str(tmp_path_factory.mktemp("zip") / "study"), "zip", study.dicom_folder))


def put(path: Path, url: str) -> str:
    with fsspec.open(url, "wb") as target:
        target.write(path.read_bytes())
    return url


def result_of(scorer: Scorer, case: Case) -> CaseResult:
    (result,) = scorer.score_many([case])
    return result


@pytest.mark.parametrize("protocol", ["memory", "file"])
@pytest.mark.parametrize("kind", ["zip", "nii.gz"])
def test_a_copy_is_scored_as_the_file_is_and_is_gone_afterwards(
    kind: str, protocol: str, study: DemoStudy, zipped: Path, scorer: Scorer, temporary: Path
) -> None:
    scan = zipped if kind == "zip" else study.nifti
    url = scan.as_uri() if protocol == "file" else put(scan, f"memory://scans/{scan.name}")
    here = result_of(scorer, Case("p", scan, study.marked.nodules))
    there = result_of(scorer, Case("p", RemoteScan(url), study.marked.nodules))
    assert there.input == url
    assert there.model_copy(update={"input": here.input}) == here
    assert here.nodules[0].probabilities is not None
    assert here.input_sha256 is not None


def test_what_lets_a_reader_in_is_neither_shown_nor_compared() -> None:
    scan = place_of(Path("tables"), SECRET)
    assert isinstance(scan, RemoteScan)
    assert (str(scan), scan.name, scan.protocol) == ("https://host/b/a%20b.nii.gz", "a b.nii.gz", "https")
    assert place_of(Path("tables"), "a/b.nii.gz") == Path("tables/a/b.nii.gz")
    assert place_of(Path("tables"), "C:\\scans\\a.nii") == Path("tables") / "C:\\scans\\a.nii"


def test_a_file_that_has_changed_has_another_stamp(study: DemoStudy) -> None:
    scan = RemoteScan(put(study.nifti, "memory://stamps/a.nii.gz"))
    before = scan_stamp(scan)
    assert before == scan_stamp(scan) != ""
    fsspec.filesystem("memory").pipe("/stamps/a.nii.gz", b"other")
    assert scan_stamp(scan) not in ("", before)
    assert scan_stamp(RemoteScan("memory://stamps/none.nii")) == ""


def test_a_server_that_fails_is_asked_again_and_not_for_ever(study: DemoStudy, scorer: Scorer) -> None:
    url = put(study.nifti, "unsteady://host/a.nii.gz")
    for n_failing, status in ((2, "scored"), (3, "refused")):
        Unsteady.n_failing = n_failing
        result = result_of(scorer, Case("p", RemoteScan(f"{url}?X-Sig=s3cret"), study.marked.nodules))
        assert result.status == status
        assert Unsteady.n_failing == 0
    assert result.problem is not None
    assert result.problem.message == (
        "Expected a file that can be fetched, got TimeoutError at unsteady://host/a.nii.gz"
    )
    assert "s3cret" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://none.nii", "Expected a scan at memory://none.nii, got no such file"),
        ("memory://large.nii", "Expected a file of at most 8 GiB, got more at memory://large.nii"),
        ("memory://scan.7z", "Expected"),
    ],
)
def test_what_is_no_scan_is_refused(url: str, message: str, scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_scan, "_LARGEST_BYTES", 1000)
    files = fsspec.filesystem("memory")
    files.pipe("/large.nii", bytes(1001))
    files.pipe("/scan.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100))
    result = result_of(scorer, Case("p", RemoteScan(url), ()))
    assert result.status == "refused"
    assert result.problem is not None
    assert result.problem.code == "unreadable"
    assert result.problem.message.startswith(message)


def test_a_connection_that_ends_early_is_no_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/cut.nii", bytes(100))
    told = files.info("/cut.nii") | {"size": 200}
    monkeypatch.setattr(type(files), "info", lambda self, path, **_: told)
    with pytest.raises(Exception, match=r"got OSError at memory://cut\.nii$"), on_disk(RemoteScan("memory://cut.nii")):
        pass


@pytest.mark.parametrize(
    ("protocol", "missing", "said"),
    [("s3", "fsspec", r"nodulus\[remote\]"), ("sftp", "paramiko", "paramiko"), ("nowhere", "none", "nowhere://")],
)
def test_what_is_not_installed_is_said_before_anything_is_scored(
    protocol: str, missing: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(f"{HEADER}\np,{protocol}://bucket/a.zip,1,1,2,3,9\n")
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(remote_scan, "find_spec", lambda name: sys.modules.get(name))
    with pytest.raises(UsageError, match=said):
        check_fetchable(case.input for case in read_cases(table))
    assert run(["infer", str(table), "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_a_table_of_urls_is_resumed(study: DemoStudy, tmp_path: Path) -> None:
    put(study.nifti, "memory://resumed/a.nii.gz")
    x, y, z = study.marked.nodules[0].center_lps_mm
    rows = [f"{name},memory://resumed/{name}.nii.gz,1,{x},{y},{z},9" for name in ("a", "gone")]
    table, out = tmp_path / "cases.csv", tmp_path / "out"
    table.write_text("\n".join([HEADER, *rows]) + "\n")
    for more in ([], ["--resume"]):
        assert run(["infer", str(table), "-o", str(out), "--quiet", *more]) == 4
        found = read_results(out / "results.json")
        assert [case.status for case in found.cases] == ["scored", "refused"]
        stages = {stage.name: stage.n for stage in found.run.stages} if found.run else {}
        assert ("fetch" in stages) == (not more)
