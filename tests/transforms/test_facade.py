"""The public names of both halves: loaded late, where they say, and where earlier bundles look for them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pydoc import locate  # what MONAI resolves `_target_` with

import pytest

import nodulus.pipeline
import nodulus.transforms
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.transforms.facade import lazy_names

# Every `_target_` of ours in the configs of bundle 0.2.0.
TARGETS_OF_0_2_0 = (
    "nodulus.transforms.augment.RandNodulePatchd",
    "nodulus.transforms.dictionary.FillOutsideBoxd",
    "nodulus.transforms.dictionary.LoadCTd",
    "nodulus.transforms.dictionary.NodulePatchd",
    "nodulus.transforms.dictionary.OpenCTd",
    "nodulus.pipeline.data_list.load_data_list",
    "nodulus.pipeline.evaluation.EvaluationReport",
    "nodulus.pipeline.ratings_loss.RatingsLoss",
    "nodulus.pipeline.reading.NoduleFactsd",
    "nodulus.pipeline.reading.ReadOutputsd",
    "nodulus.pipeline.results_handler.ResultsHandler",
    "nodulus.pipeline.training_handlers.EpochLog",
    "nodulus.pipeline.training_handlers.EpochSeed",
    "nodulus.pipeline.training_handlers.KeepBest",
    "nodulus.pipeline.training_handlers.ResumePoint",
    "nodulus.pipeline.training_handlers.StateDeterminism",
    "nodulus.pipeline.training_handlers.StopEarly",
    "nodulus.pipeline.worklist.Worklist",
)


@pytest.mark.parametrize("package", [nodulus.transforms, nodulus.pipeline])
def test_every_public_name_comes_from_the_module_that_the_table_names(package: object) -> None:
    names = import_module(package.__name__).__all__  # type: ignore[attr-defined]
    assert set(names) == set(package._HOME_OF)  # type: ignore[attr-defined]
    for name in names:
        found = getattr(package, name)
        assert found.__name__ == name
        assert found.__module__.startswith("nodulus.")


@pytest.mark.parametrize("target", TARGETS_OF_0_2_0)
def test_a_bundle_of_0_2_0_still_finds_its_classes(target: str) -> None:
    name = target.rpartition(".")[2]
    home = nodulus.transforms if name in nodulus.transforms.__all__ else nodulus.pipeline
    assert locate(target) is getattr(home, name)


def test_configs_name_our_classes_by_the_facades(bundle: Path) -> None:
    targets = [
        target
        for config in (bundle / "configs").glob("*.json")
        for target in _targets(json.loads(config.read_text()))
        if target.startswith("nodulus.")
    ]
    assert len(targets) >= len(TARGETS_OF_0_2_0)
    for target in targets:
        assert target.count(".") == 2, target
        package, _, name = target.rpartition(".")
        assert name in import_module(package).__all__


def _targets(node: object) -> list[str]:
    if isinstance(node, dict):
        here = [str(node["_target_"])] if "_target_" in node else []
        return here + [target for value in node.values() for target in _targets(value)]
    return [target for each in node for target in _targets(each)] if isinstance(node, list) else []


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"nodulus\.transforms.*no attribute 'nothing'"):
        _ = nodulus.transforms.nothing
    assert locate("nodulus.pipeline.nothing") is None


def test_a_broken_import_is_not_taken_for_a_missing_name(monkeypatch: pytest.MonkeyPatch) -> None:
    get = lazy_names("nodulus.transforms", {"open_ct": ".problems"})
    with pytest.raises(ImportError, match=r"open_ct cannot be loaded: .*no attribute 'open_ct'"):
        get("open_ct")


def test_the_gate_judges_a_scan_without_torch_and_monai(study: DemoStudy) -> None:
    code = (
        "import sys\n"
        "from nodulus.pipeline.command.main import run\n"
        f"code = run(['check', {str(study.dicom_folder)!r}])\n"
        "print(code, {'torch', 'monai', 'ignite', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 set()", done.stderr
