"""The wheel alone is enough: it holds every folder and the bundle, and scores from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import nodulus
from nodulus.pipeline.bundle.folder import BUNDLE_NAME, CALIBRATION, INFERENCE_CONFIG, METADATA, TRAIN_CONFIG, WEIGHTS
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import CaseResult, read_results
from nodulus.pipeline.scoring.scorer import Scorer
from tests.support.packages import FILES, HOME_OF
from tests.support.tiny_training import write_tiny_list

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built from the sdist that is built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh environment's Python that has the wheel, and borrows all packages but nodulus."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site_packages,) = folder.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    # A folder that a .pth names is searched, but the .pth files in it, the checkout's among them, are not read.
    borrowed = [path for path in sys.path if Path(path).name == "site-packages"]
    (site_packages / "borrowed.pth").write_text("\n".join(borrowed))
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *words: str | Path) -> str:
    """Run a Python in a folder that holds nothing of ours, and return what it prints."""
    left_out = ("NODULUS_BUNDLE", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    command = [str(python), *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_it_holds_every_folder_and_the_bundle_but_nothing_that_a_run_left(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        f"{home}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, home in HOME_OF.items()
        for pattern in ("*.py", "templates/*")
        for path in (ROOT / folder).rglob(pattern)
    }
    assert sources | {f"nodulus/{folder}py.typed" for folder in ("", "pipeline/", "transforms/")} <= packed
    shipped = f"nodulus/bundles/{BUNDLE_NAME}"
    needed = (INFERENCE_CONFIG, TRAIN_CONFIG, METADATA, WEIGHTS, CALIBRATION, Path("LICENSE"), Path("docs/README.md"))
    assert {f"{shipped}/{name.as_posix()}" for name in needed} <= packed
    assert {name.split("/")[3] for name in packed if name.startswith(shipped)} == {
        "LICENSE",
        "configs",
        "docs",
        "models",
    }
    assert {name.split("/")[0] for name in packed} == {"nodulus", f"nodulus-{nodulus.__version__}.dist-info"}
    assert wheel.stat().st_size < 30e6


def test_it_is_found_before_the_checkout_from_everywhere(python: Path, tmp_path: Path) -> None:
    (site_packages,) = python.parent.parent.glob("lib/python3*/site-packages")
    for place in (tmp_path, ROOT):
        found = run(python, place, "-c", FILES).split()
        assert found == [str(site_packages / home / "__init__.py") for home in HOME_OF.values()]
    lines = run(python, tmp_path, "-m", "nodulus", "--version").splitlines()
    assert lines[0] == f"nodulus {nodulus.__version__}"
    assert lines[1].endswith(str(site_packages / "nodulus" / "bundles" / BUNDLE_NAME))


@pytest.mark.slow
def test_from_an_empty_folder_it_runs_the_demo_and_every_door(python: Path, study: DemoStudy, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    demo = run(python, empty, "-m", "nodulus", "demo", "-o", "demo")
    assert "wrote the study" in demo
    scan, table = study.dicom_folder, study.nodule_table
    run(python, empty, "-m", "nodulus", "infer", scan, "--nodules", table, "-o", "infer")
    path = run(python, empty, "-m", "nodulus", "info", "--bundle-path").rstrip("\n")
    config = ("--config_file", f"{path}/configs/inference.json", "--bundle_root", path)
    inputs = ("--image", scan, "--nodules", table, "--output_dir", "monai")
    run(python, empty, "-m", "monai.bundle", "run", *config, *inputs)
    expected = Scorer().score(scan, table)
    for door in ("infer", "monai"):
        (case,) = read_results(empty / door / "results.json").cases
        assert malignant(case) == pytest.approx(malignant(expected), abs=1e-6)
    data_list = write_tiny_list(tmp_path)
    run(python, empty, "-m", "nodulus", "evaluate", "--data", data_list, "-o", "report")
    metrics = json.loads((empty / "report" / "metrics.json").read_text())
    assert metrics["scores"].keys() >= {"network", "diameter"}


def malignant(case: CaseResult) -> list[float]:
    return [nodule.probabilities.malignant for nodule in case.nodules if nodule.probabilities is not None]
