"""The command starts without MONAI's extras, and nothing that scores misses them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from nodulus.pipeline.command.quick_start import EXTRAS, FULL_START_VARIABLE, ExtrasLeftOut
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.scorer import Scorer

LOADED = """
import json, sys
from nodulus.pipeline.command.quick_start import leave_extras_out
leave_extras_out()
import monai.bundle
loaded = [name for name in ("ignite", "matplotlib", "scipy.signal") if name in sys.modules]
import ignite.engine, matplotlib
print(json.dumps(loaded))
"""


def test_extras_are_kept_from_monai_while_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = ExtrasLeftOut()
    monkeypatch.setitem(sys.modules, "monai", ModuleType("monai"))
    for name in (*EXTRAS, "ignite.engine"):
        with pytest.raises(ModuleNotFoundError, match=FULL_START_VARIABLE):
            finder.find_spec(name)
    assert finder.find_spec("ignites") is None
    assert finder.find_spec("nibabel") is None


def test_extras_are_there_once_monai_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ModuleType("monai")
    loaded.__all__ = []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "monai", loaded)
    assert ExtrasLeftOut().find_spec("ignite") is None


def test_monai_loads_without_extras_and_others_still_get_them() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_command_and_python_give_the_same_probability(study: DemoStudy, bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nodulus.pipeline", "infer", str(study.dicom_folder)]
    options = ["--nodules", str(study.nodule_table), "--bundle", str(bundle), "-o", str(tmp_path), "--device", "cpu"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert "results.json" in done.stdout  # nothing of the output is lost when the process ends at once
    (case,) = read_results(tmp_path / "results.json").cases
    expected = Scorer(bundle, device="cpu").score(study.dicom_folder, study.nodule_table)
    for one, other in zip(case.nodules, expected.nodules, strict=True):
        assert one.probabilities is not None
        assert other.probabilities is not None
        assert one.probabilities.malignant == pytest.approx(other.probabilities.malignant, abs=1e-6)


def test_the_command_starts_without_torch_and_scikit_learn() -> None:
    code = "import sys, nodulus.pipeline.command.main; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
