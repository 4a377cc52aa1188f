"""`nodulus calibrate` at another place: what it writes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.training.local_report import read_local_report
from nodulus.transforms.problems import UsageError


@pytest.fixture(scope="module")
def local_list(tiny_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return twenty balls of one place in the test split; every fourth large one is said to be benign."""
    path = tmp_path_factory.mktemp("local") / "list.json"
    prepare_lidc(tiny_crops, path)
    data = json.loads(path.read_text())
    nodules = sorted((*data["training"], *data["validation"]), key=lambda item: item["nodule_id"])
    for index, item in enumerate(nodules):
        item |= {"label": int(index % 2 == (index % 8 < 6)), "patient_age": 50 + index}
    local = {"label_meaning": "pathology", "test": nodules}
    path.write_text(json.dumps(local))
    return path


def test_what_it_finds_is_written_beside_and_the_bundle_stays(
    local_list: Path, bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in (bundle / "models").iterdir()}
    options = ["--split", "test", "--covariates", "age,emphysema", "-o", str(tmp_path)]
    assert run(["calibrate", "--data", str(local_list), *options]) == 0
    said = capfd.readouterr().out
    report = read_local_report(tmp_path / "local_report.json")
    assert {path: path.read_bytes() for path in (bundle / "models").iterdir()} == before
    assert (report.fitted_on.nodules, report.fitted_on.patients, report.fitted_on.split) == (20, 10, "test")
    assert [trial.kind for trial in report.updates] == ["as shipped", "in the large", "intercept and slope"]
    assert [point.nodules for point in report.learning_curve] == [10]
    assert [(each.name, each.known) for each in report.covariates] == [("age", 20), ("emphysema", 0)]
    for line in ("20 nodules of 10 patients", "as shipped: intercept", "log loss less", "fitted to 10 nodules"):
        assert line in said
    written = tmp_path / "local_calibration.json"
    assert written.is_file() == report.is_written == (report.chosen != "as shipped")
    if report.is_written:
        changed = read_calibration(written, report.weights_sha256)
        assert changed.local is not None
        assert (changed.label, changed.fitted_on.prevalence) == ("pathology", report.fitted_on.prevalence)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--covariates", "shoe"], "Expected covariates of age, sex"),
        (["--split", "training"], "Expected nodules in the training split"),
        (["--weights", "model.pt"], "Expected no --output, --split and --covariates beside --weights"),
    ],
)
def test_what_does_not_go_together_is_refused(
    local_list: Path, tmp_path: Path, options: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["calibrate", "--data", str(local_list), "-o", str(tmp_path), *options]) == 2
    assert said in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_patients_that_trained_the_weights_are_refused(
    local_list: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nodulus.pipeline.training import local_calibration

    monkeypatch.setattr(local_calibration, "overlap", lambda patients, _: list(patients)[:1])
    with pytest.raises(UsageError, match="Expected patients that the weights were not trained on, got 1 in"):
        local_calibration.calibrate_locally(local_list, bundle, tmp_path, split="test")
