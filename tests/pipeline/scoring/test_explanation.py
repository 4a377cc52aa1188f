"""What `--explain` records: each score as a sum that adds up to it, and nothing else changes."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from nodulus.pipeline import Scorer
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.readout.additive import TERMS
from nodulus.pipeline.results.record import CaseResult
from nodulus.transforms.problems import UsageError


@pytest.fixture(scope="module")
def explained(bundle: Path, study: DemoStudy) -> CaseResult:
    return Scorer(bundle, device="cpu", explain=True).score(study.nifti, study.nodule_table)


def test_the_sum_is_the_logit_of_the_probability(explained: CaseResult) -> None:
    assert len(explained.nodules) > 1
    for nodule in explained.nodules:
        why, probabilities = nodule.explanation, nodule.probabilities
        assert why is not None
        assert probabilities is not None
        assert tuple(why.parts) == TERMS
        assert why.average + sum(why.parts.values()) + why.remainder == pytest.approx(why.logit, abs=1e-9)
        assert 1 / (1 + math.exp(-why.logit)) == pytest.approx(probabilities.malignant, abs=1e-9)


def test_size_adds_more_to_a_larger_nodule(explained: CaseResult) -> None:
    by_size = sorted(explained.nodules, key=lambda nodule: nodule.diameter_mm)
    parts = [nodule.explanation.parts["size"] for nodule in by_size if nodule.explanation]
    assert parts == sorted(parts)
    assert parts[0] < parts[-1]


def test_nothing_else_of_the_record_changes(bundle: Path, study: DemoStudy, explained: CaseResult) -> None:
    plain = Scorer(bundle, device="cpu").score(study.nifti, study.nodule_table)
    assert all(nodule.explanation is None for nodule in plain.nodules)
    without = [nodule.model_copy(update={"explanation": None}) for nodule in explained.nodules]
    assert explained.model_copy(update={"nodules": tuple(without)}) == plain


def without_sum(bundle: Path, folder: Path) -> Path:
    """Copy a bundle whose calibration is of before there was a sum."""
    copied = shutil.copytree(bundle, folder / "bundle")
    path = copied / "models" / "calibration.json"
    stored = json.loads(path.read_text())
    del stored["additive"]
    path.write_text(json.dumps(stored))
    return copied


def test_an_older_calibration_scores_and_does_not_explain(bundle: Path, study: DemoStudy, tmp_path: Path) -> None:
    older = without_sum(bundle, tmp_path)
    scored = Scorer(older, device="cpu").score(study.nifti, study.nodule_table)
    assert all(nodule.probabilities is not None for nodule in scored.nodules)
    with pytest.raises(UsageError, match=r"Expected a calibration that holds the sum .* `nodulus calibrate` fits it"):
        Scorer(older, device="cpu", explain=True)


def test_the_command_explains_when_asked_and_does_not_resume_what_was_not(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["infer", str(study.nifti), "--nodules", str(study.nodule_table), "-o", str(tmp_path), "-q"]
    assert run([*command, "--explain"]) == 0
    nodules = json.loads((tmp_path / "results.json").read_text())["cases"][0]["nodules"]
    assert all(nodule["explanation"]["explained"]["value"] > 0.9 for nodule in nodules)
    capfd.readouterr()
    assert run([*command, "--resume"]) == 2
    assert "--explain" in capfd.readouterr().err
