"""`nodulus bundle` as a user meets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from tests.support.hostile_bundles import HOSTILE


def test_the_audit_of_our_bundle_lists_all_of_it_and_ends_with_0(
    bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["bundle", "audit", str(bundle)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "allowed  configs/inference.json, network: expression $@network_def.to(@device)" in lines
    assert any(line.startswith("sha256") and line.endswith("models/model.pt") for line in lines)
    assert lines[-1].endswith("all of it on the allow-list")
    assert not any(line.startswith("REFUSED") for line in lines)


def test_an_audit_says_what_is_refused_last_and_ends_with_3(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    HOSTILE["target"].change(copy, tmp_path / "acted")
    assert run(["bundle", "audit", str(copy), "--quiet"]) == 3
    *refused, last = capfd.readouterr().out.splitlines()
    assert "REFUSED  configs/inference.json, inferer#_target_: target os.mkdir (not on the list)" in refused
    assert all(line.startswith("REFUSED") for line in refused)
    assert last.endswith(f"{len(refused)} refused")


def test_the_record_for_programs_has_every_finding_and_every_hash(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    HOSTILE["logging class"].change(copy, tmp_path / "acted")
    assert run(["bundle", "audit", str(copy), "--json"]) == 3
    record = json.loads(capfd.readouterr().out)
    assert record["passed"] is False
    (refused,) = [finding for finding in record["findings"] if finding["problem"]]
    assert (refused["file"], refused["key"]) == ("configs/logging.conf", "[handler_console] class")
    assert {file["name"] for file in record["files"]} >= {"models/model.pt", "LICENSE"}
    assert all(len(file["sha256"]) == 64 for file in record["files"])


@pytest.mark.parametrize("name", ["metadata that act in a terminal", "name with an escape"])
def test_nothing_that_acts_reaches_the_terminal(
    name: str, bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    HOSTILE[name].change(copy, tmp_path / "acted")
    assert run(["bundle", "audit", str(copy)]) == 3
    captured = capfd.readouterr()
    assert all(letter.isprintable() or letter == "\n" for letter in captured.out + captured.err)


@pytest.mark.parametrize("name", ["missing", "notes.txt"])
def test_what_is_no_bundle_is_a_usage_error(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("PK no zip")
    assert run(["bundle", "audit", str(tmp_path / name)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("nodulus: Expected a bundle's folder or a zip of one, got ")


def test_the_audit_loads_neither_torch_nor_monai(bundle: Path) -> None:
    code = (
        "import sys; from nodulus.pipeline.command.main import run\n"
        f"code = run(['bundle', 'audit', {str(bundle)!r}, '--quiet'])\n"
        "sys.exit(code or sorted({'torch', 'monai', 'ignite'} & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pack_writes_the_zip_and_says_its_hash(bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["bundle", "pack", "--bundle", str(bundle), "-o"]
    assert [run([*words, str(tmp_path / name)]) for name in ("a.zip", "b.zip")] == [0, 0]
    first, wrote, second, _ = capfd.readouterr().out.splitlines()
    assert first.startswith("SHA-256 ")
    assert first == second
    assert wrote == f"wrote {tmp_path / 'a.zip'}"


def test_a_bundle_that_fails_its_audit_is_not_packed(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    HOSTILE["link out of the bundle"].change(copy, tmp_path / "acted")
    assert run(["bundle", "pack", "--bundle", str(copy), "-o", str(tmp_path / "a.zip")]) == 3
    (line,) = capfd.readouterr().err.splitlines()
    assert "docs/more.md" in line
    assert not (tmp_path / "a.zip").exists()
