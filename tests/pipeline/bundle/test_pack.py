"""A packed bundle: the same bytes each time, whole, and at home where nodulus is not installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nodulus.pipeline.audit.audit import audit_bundle
from nodulus.pipeline.audit.own_code import own_code
from nodulus.pipeline.bundle.pack import pack_bundle
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.scorer import Scorer
from tests.support.no_nodulus import make_python_without_nodulus


@pytest.fixture(scope="module")
def packed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_bundle(bundle, tmp_path_factory.mktemp("packed") / "bundle.zip")


@pytest.fixture
def unpacked(packed: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    return folder


def test_the_same_bundle_packs_to_the_same_bytes_whenever_and_wherever_it_lies(
    bundle: Path, packed: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "elsewhere" / bundle.name)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    (copy / "eval").mkdir()
    (copy / "eval" / "results.json").write_text("{}")
    assert pack_bundle(copy, tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_what_was_unpacked_packs_to_the_same_bytes_again(unpacked: Path, packed: Path, tmp_path: Path) -> None:
    assert pack_bundle(unpacked, tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_one_letter_more_gives_other_bytes(bundle: Path, packed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / bundle.name)
    (copy / "LICENSE").write_text((copy / "LICENSE").read_text() + " ")
    assert pack_bundle(copy, tmp_path / "again.zip").read_bytes() != packed.read_bytes()


def test_the_manifest_has_the_hash_of_every_file_and_all_of_our_code_travels(packed: Path, bundle: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        contents = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    lines = [line.split("  ") for line in contents.pop("SHA256SUMS").decode().splitlines()]
    assert {name: digest for digest, name in lines} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    of_bundle = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert contents.keys() == of_bundle | own_code().keys()
    assert {"nodulus/__init__.py", "nodulus/pipeline/scoring/scorer.py", "nodulus/transforms/volume.py"} <= set(
        contents
    )


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_a_packed_bundle_passes_the_audit(form: str, packed: Path, unpacked: Path) -> None:
    assert audit_bundle(packed if form == "zip" else unpacked).refused == ()


@pytest.mark.parametrize("name", ["docs/README.md", "models/training.txt", "nodulus/pipeline/files.py"])
def test_a_file_that_was_changed_is_told_by_name(name: str, unpacked: Path) -> None:
    (unpacked / name).write_text((unpacked / name).read_text() + "\n")
    refused = audit_bundle(unpacked).refused
    assert {finding.file for finding in refused} == {name}
    assert "changed since it was packed" in [finding.problem for finding in refused]


def test_a_file_that_was_taken_away_is_told_by_name(unpacked: Path) -> None:
    (unpacked / "docs" / "README.md").unlink()
    (finding,) = audit_bundle(unpacked).refused
    assert (finding.file, finding.problem) == ("docs/README.md", "missing")


def test_an_unpacked_bundle_that_was_changed_scores_nothing(
    unpacked: Path, study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (unpacked / "docs" / "README.md").write_text("other")
    words = ["infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "-o", str(tmp_path / "out")]
    assert run([*words, "--bundle", str(unpacked)]) == 3
    (line,) = capfd.readouterr().err.splitlines()
    assert "untrusted_bundle" in line
    assert "docs/README.md" in line
    assert run([*words, "--bundle", str(unpacked), "--trust"]) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="links to every package need rights there")
def test_a_packed_bundle_scores_the_same_where_only_monai_is_installed(
    unpacked: Path, bundle: Path, study: DemoStudy, tmp_path: Path
) -> None:
    python = make_python_without_nodulus(tmp_path / "venv")
    (tmp_path / "empty").mkdir()
    command = [
        python, "-I", "-m", "monai.bundle", "run",
        "--config_file", unpacked / "configs" / "inference.json",
        "--bundle_root", unpacked,
        "--image", study.dicom_folder,
        "--nodules", study.nodule_table,
        "--output_dir", tmp_path / "out",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), cwd=tmp_path / "empty", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    expected = Scorer(bundle, device="cpu").score(study.dicom_folder, study.nodule_table)
    assert len(case.nodules) == len(expected.nodules) > 0
    for there, here in zip(case.nodules, expected.nodules, strict=True):
        assert there.probabilities is not None
        assert here.probabilities is not None
        assert there.probabilities.malignant == pytest.approx(here.probabilities.malignant, abs=1e-6)
