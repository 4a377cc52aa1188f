"""A light engine scores where neither torch nor MONAI can be imported, and says what torch would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import CaseResult, Results, read_results
from nodulus.pipeline.scoring.scorer import Scorer

BOTH = ("torch", "monai", "ignite")


def infer_without(names: tuple[str, ...], folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run `nodulus infer` where some packages cannot be imported, in the processes that it starts neither."""
    folder.mkdir(exist_ok=True)
    # None is Python's own sign of a module that cannot be imported.
    lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in names)]
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "nodulus", "infer", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_hidden_is_hidden(study: DemoStudy, bundle: Path, tmp_path: Path) -> None:
    words = (study.dicom_folder, "--nodules", study.nodule_table, "--bundle", bundle, "-o", tmp_path / "out")
    done = infer_without(BOTH, tmp_path / "hidden", *words, "--engine", "torch")
    assert done.returncode == 1
    assert "import of torch halted" in done.stderr


def assert_alike(found: CaseResult, expected: CaseResult) -> None:
    assert len(found.nodules) == len(expected.nodules) > 1
    for one, other in zip(found.nodules, expected.nodules, strict=True):
        assert one.probabilities is not None
        assert other.probabilities is not None
        assert one.probabilities.malignant == pytest.approx(other.probabilities.malignant, abs=1e-5)
        assert one.characteristics == pytest.approx(other.characteristics, abs=1e-3)
        assert one.size_only == other.size_only
        assert one.above == other.above
        assert [flag.items for flag in one.flags] == [flag.items for flag in other.flags]


@pytest.mark.parametrize(
    ("engine", "missing"), [("onnx", BOTH), ("openvino", BOTH), ("auto", BOTH), ("torchscript", ("monai",))]
)
def test_a_process_without_them_scores_as_torch_does(
    engine: str, missing: tuple[str, ...], exported: Path, study: DemoStudy, tmp_path: Path
) -> None:
    words = [study.dicom_folder, "--nodules", study.nodule_table, "--bundle", exported, "-o", tmp_path / "out"]
    done = infer_without(missing, tmp_path / "hidden", *words, "--engine", engine)
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path / "out" / "results.json")
    assert results.engine == ("onnx" if engine == "auto" else engine)
    assert results.run is not None
    assert results.run.options["engine"] == engine
    assert_alike(results.cases[0], Scorer(exported, device="cpu").score(study.dicom_folder, study.nodule_table))


@pytest.mark.slow
def test_all_that_may_stand_beside_a_score_does_without_them_too(
    exported: Path, study: DemoStudy, tmp_path: Path
) -> None:
    options = ["--stability", "--measures", "--explain", "--report", "--sr", "--key-images", "--fhir"]
    words = [study.dicom_folder, "--nodules", study.nodule_table, "--bundle", exported, "-o", tmp_path / "out"]
    done = infer_without(BOTH, tmp_path / "hidden", *words, *options)
    assert done.returncode == 0, done.stderr
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert all(nodule.stability is not None and nodule.explanation is not None for nodule in case.nodules)
    assert (tmp_path / "out" / "report.html").is_file()


def test_several_processes_do_without_them_too(exported: Path, study: DemoStudy, tmp_path: Path) -> None:
    (first, *_) = study.marked.nodules
    x, y, z = first.center_lps_mm
    rows = [f"case{n},{study.dicom_folder},1,{x},{y},{z},{first.diameter_mm}" for n in range(3)]
    (tmp_path / "cases.csv").write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm", *rows]))
    probabilities = []
    for name, more in (("one", []), ("two", ["--jobs", "2"])):
        words = [tmp_path / "cases.csv", "--bundle", exported, "--engine", "onnx", "-o", tmp_path / name, *more]
        done = infer_without(BOTH, tmp_path / "hidden", *words)
        assert done.returncode == 0, done.stderr
        results = read_results(tmp_path / name / "results.json")
        assert (results.engine, len(results.cases)) == ("onnx", 3)
        probabilities.append(_probabilities(results))
    assert probabilities[0] == probabilities[1]


def _probabilities(results: Results) -> list[float]:
    return [nodule.probabilities.malignant for case in results.cases for nodule in case.nodules if nodule.probabilities]


def test_a_run_by_one_engine_is_not_gone_on_with_by_another(exported: Path, study: DemoStudy, tmp_path: Path) -> None:
    words = [study.dicom_folder, "--nodules", study.nodule_table, "--bundle", exported, "-o", tmp_path / "out"]
    assert infer_without(BOTH, tmp_path / "hidden", *words, "--engine", "onnx").returncode == 0
    (tmp_path / "out" / "results.json").unlink()
    other = infer_without(BOTH, tmp_path / "hidden", *words, "--engine", "openvino", "--resume")
    assert other.returncode == 2
    assert "--engine" in other.stderr
    assert infer_without(BOTH, tmp_path / "hidden", *words, "--engine", "onnx", "--resume").returncode == 0


def test_openvino_tells_nobody_that_it_was_imported(exported: Path, study: DemoStudy, tmp_path: Path) -> None:
    code = """
import json, sys
from nodulus.pipeline.scoring.scorer import Scorer
scorer = Scorer(sys.argv[1], engine="openvino")
print(json.dumps([scorer.engine, sorted(name for name in sys.modules if name.startswith("openvino_telemetry"))]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(exported)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["openvino", []]
