"""The job files for schedulers score a table in parts and join them, as the schedulers would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.pages import ROOT

EXAMPLES = ROOT / "examples"
N_CASES = 3


@pytest.fixture
def table(study: DemoStudy, tmp_path: Path) -> Path:
    x, y, z = study.marked.nodules[0].center_lps_mm
    rows = [f"case {index},{study.nifti},1,{x + index / 7},{y},{z},9" for index in range(N_CASES - 1)]
    rows.append(f"gone,nowhere.nii.gz,1,{x},{y},{z},9")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm", *rows]) + "\n")
    return path


def run_script(name: str, *words: Path | str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(EXAMPLES / name), *map(str, words)]
    environment = {**os.environ, **variables, "PATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def names_in(joined: Path) -> list[str]:
    return [case.case_id for case in read_results(joined / "results.json").cases]


EXPECTED = [*(f"case {index}" for index in range(N_CASES - 1)), "gone"]


@pytest.mark.slow
def test_a_slurm_array_and_the_job_that_joins_it(table: Path, tmp_path: Path) -> None:
    parts, joined = tmp_path / "parts", tmp_path / "joined"
    for number in ("1", "2"):
        told = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "2"}
        for _ in range(2):  # a job that is queued again goes on
            done = run_script("slurm-array.sh", table, parts, **told)
            assert done.returncode == 0, done.stderr
    assert run_script("slurm-merge.sh", table, parts, joined).returncode == 4
    assert names_in(joined) == EXPECTED


@pytest.mark.slow
def test_a_wrong_call_fails_the_job(table: Path, tmp_path: Path) -> None:
    told = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "1"}
    assert run_script("slurm-array.sh", table, tmp_path / "parts", **told).returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("parallel") is None, reason="no GNU parallel")
def test_gnu_parallel(table: Path, tmp_path: Path) -> None:
    done = run_script("parallel.sh", table, tmp_path / "parts", tmp_path / "joined", "2")
    assert done.returncode == 4, done.stderr
    assert names_in(tmp_path / "joined") == EXPECTED
