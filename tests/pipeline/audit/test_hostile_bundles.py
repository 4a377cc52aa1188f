"""Bundles that would act are refused by name, and nothing of them acts."""

from __future__ import annotations

import contextlib
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest

from nodulus.pipeline.audit.audit import audit_bundle
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.command.main import run
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import InputRefusedError
from tests.support.hostile_bundles import HOSTILE, HOSTILE_MEMBERS, INFERENCE, Hostile, zip_with
from tests.support.tiny_training import write_tiny_list

TABLE = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)


@pytest.fixture(scope="module")
def small(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return our bundle without its records, which are large and say nothing here."""
    leave_out = shutil.ignore_patterns("docs", "training*", "validation*")
    small = shutil.copytree(bundle, tmp_path_factory.mktemp("small") / bundle.name, ignore=leave_out)
    (small / "docs").mkdir()
    return small


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "acted"


def changed(hostile: Hostile, small: Path, marker: Path) -> Path:
    copy = shutil.copytree(small, marker.parent / small.name)
    hostile.change(copy, marker)
    return copy


@TABLE
def test_the_audit_names_the_file_and_what_is_wrong(hostile: Hostile, small: Path, marker: Path) -> None:
    refused = audit_bundle(changed(hostile, small, marker)).refused
    assert any(finding.file == hostile.file and hostile.says in finding.problem for finding in refused), refused
    assert not marker.exists()


@TABLE
def test_scoring_and_every_workflow_refuse_it_and_nothing_acts(hostile: Hostile, small: Path, marker: Path) -> None:
    copy = changed(hostile, small, marker)
    with pytest.raises(InputRefusedError, match="untrusted_bundle") as refusal:
        Scorer(copy, device="cpu")
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).isprintable()
    if "calibration" not in hostile.file:  # training fits its own
        for name in ("train", "evaluate"):
            with pytest.raises(InputRefusedError, match="untrusted_bundle"):
                make_workflow(copy, name, marker, marker.parent)
    assert not marker.exists()


@pytest.mark.parametrize("name", [name for name, hostile in HOSTILE.items() if hostile.acts])
def test_the_attack_is_one_for_whoever_trusts_the_bundle(name: str, small: Path, marker: Path) -> None:
    copy = changed(HOSTILE[name], small, marker)
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Scorer(copy, device="cpu", trust=True)
    assert marker.exists()


@pytest.mark.parametrize(("member", "content", "file", "says"), HOSTILE_MEMBERS.values(), ids=HOSTILE_MEMBERS)
def test_a_hostile_zip_is_refused_by_the_members_name(
    member: zipfile.ZipInfo | str, content: bytes, file: str, says: str, small: Path, tmp_path: Path
) -> None:
    before = set(tmp_path.parent.iterdir())
    refused = audit_bundle(zip_with(small, tmp_path / "bundle.zip", member, content)).refused
    assert any(finding.file == file and says in finding.problem for finding in refused), refused
    assert set(tmp_path.parent.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_member_that_stands_twice_is_told(small: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_with(small, tmp_path / "bundle.zip", f"{small.name}/{INFERENCE}", b"{}")
    refused = audit_bundle(path).refused
    assert {(finding.file, finding.problem.partition(",")[0]) for finding in refused} >= {(INFERENCE, "stands twice")}


@pytest.mark.parametrize("command", ["infer", "train", "evaluate", "calibrate"])
def test_every_command_refuses_with_exit_3_and_one_line(
    command: str, small: Path, marker: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = changed(HOSTILE["expression"], small, marker)
    HOSTILE["expression in train.json"].change(copy, marker)
    HOSTILE["expression in evaluate.json"].change(copy, marker)
    (tmp_path / "crops").mkdir()
    data = str(write_tiny_list(tmp_path / "crops"))
    words = {
        "infer": [
            str(tmp_path / "crops" / "0.nii.gz"),
            "--point",
            "0,0,0",
            "--diameter",
            "5",
            "-o",
            str(tmp_path / "o"),
        ],
        "train": ["--data", data, "-o", f"{tmp_path}/o"],
        "evaluate": ["--data", data, "-o", f"{tmp_path}/o"],
        "calibrate": ["--data", data, "--weights", str(copy / "models" / "model.pt")],
    }[command]
    assert run([command, *words, "--bundle", str(copy)]) == 3
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("nodulus:")]
    assert "untrusted_bundle" in line
    assert "configs/evaluate.json, network: expression $open" in line
    assert "--trust" in line
    assert not marker.exists()


def test_a_bundle_planted_in_the_current_folder_is_not_loaded(
    small: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = changed(HOSTILE["expression"], small, marker)
    (tmp_path / "here" / "bundles").mkdir(parents=True)
    planted.rename(tmp_path / "here" / "bundles" / small.name)
    monkeypatch.delenv("NODULUS_BUNDLE", raising=False)
    monkeypatch.chdir(tmp_path / "here")
    assert tmp_path not in Scorer(device="cpu").bundle_dir.parents
    assert not marker.exists()
