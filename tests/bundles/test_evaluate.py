"""Does the evaluate workflow report what it should, and refuse what it cannot tell?"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import sklearn

from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import Split
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.evaluation.record import read_evaluation
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.training.train import train
from nodulus.transforms.problems import InputRefusedError, UsageError
from tests.support.tiny_training import EVALUATED, TINY


def test_evaluation_writes_metrics_scores_and_a_page(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    metrics = evaluate_bundle(data_list, tmp_path, bundle, weights=str(calibrated), n_resamples=50, **EVALUATED)
    report = read_evaluation(metrics)
    assert report.scores["diameter"].auc.value == 1.0
    assert report.scores.keys() == {"network", "network_diameter_box", "size_only", "diameter"}
    assert report.counts.model_dump() == {
        "nodules": 12, "patients": 6, "malignant": 6, "benign": 6, "undecided": 0,
    }  # fmt: skip
    assert report.context.bundle is not None
    assert report.context.bundle.weights_sha256 == sha256_of(calibrated)
    assert report.context.overlapping_patients == 0
    assert "6 chose the best epoch" in report.context.overlap
    with (tmp_path / "nodules.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["nodule_id"] for row in rows] == [f"nodule {index}" for index in range(20, 32)]
    calibration = read_calibration(calibrated.with_name("calibration.json"))
    for row in rows:
        assert 0 <= float(row["probability"]) <= 1
        assert float(row["size_only"]) == pytest.approx(calibration.malignant_by_size(float(row["diameter_mm"])))
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_folder_that_holds_scores_is_refused_and_stays_as_it_is(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    scores = {"results.json": "{}", "report.html": "<!DOCTYPE html>"}
    for name, text in scores.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=r"a folder for an evaluation, got .*, which holds scores \(results.json\)"):
        evaluate_bundle(data_list, tmp_path, bundle, weights=str(calibrated), n_resamples=50, **EVALUATED)
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.name in scores} == scores


def test_patients_that_trained_the_weights_are_refused_unless_they_are_allowed(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"split": "training", "weights": str(calibrated), "n_resamples": 50, **EVALUATED}
    message = r"that the weights were not trained on, got 11 of 11 in the training split of .*list.json"
    with pytest.raises(UsageError, match=message):
        evaluate_bundle(data_list, tmp_path / "refused", bundle, **options)
    assert not (tmp_path / "refused").exists()
    metrics = evaluate_bundle(data_list, tmp_path / "allowed", bundle, allow_overlap=True, **options)
    report = read_evaluation(metrics)
    assert (report.context.overlapping_patients, report.counts.undecided) == (11, 1)
    assert "11 of the 11 patients trained the weights" in (tmp_path / "allowed" / "report.html").read_text()


def test_a_nodule_outside_its_image_neither_trains_nor_is_evaluated(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    content = json.loads(data_list.read_text())
    for split in content.values():
        for item in split:
            item["image"] = str(data_list.parent / item["image"])
    moved = content["validation"][3]
    moved["center_lps_mm"], moved["box_lps_mm"] = [0.0, 0.0, 900.0], None
    path = tmp_path / "list.json"
    path.write_text(json.dumps(content))
    message = r"nodule_outside: Expected a centre inside the scan, .*got \(0.0, 0.0, 900.0\) for nodule nodule 23"
    with pytest.raises(InputRefusedError, match=message):
        train(path, tmp_path / "out", bundle, **TINY)
    with pytest.raises(InputRefusedError, match=message):
        evaluate_bundle(path, tmp_path / "report", bundle, weights=str(calibrated), **EVALUATED)
    assert not (tmp_path / "report").exists()


def test_a_device_that_is_not_there_is_refused(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Expected a device of this machine \(.*cpu.*\), got 'tpu'"):
        evaluate_bundle(data_list, tmp_path, bundle, device="tpu")  # type: ignore[arg-type]


def test_the_report_says_what_the_list_says_its_labels_mean(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    content = json.loads(data_list.read_text())
    for split in content.values():
        for item in split:
            item["image"] = str(data_list.parent / item["image"])
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"label_meaning": "histology of the resected nodule"} | content))
    options: dict[str, Any] = {"weights": str(calibrated), "n_resamples": 20, **EVALUATED}
    stated = read_evaluation(evaluate_bundle(path, tmp_path / "stated", bundle, **options))
    assert stated.context.label == "histology of the resected nodule"
    silent = read_evaluation(evaluate_bundle(data_list, tmp_path / "silent", bundle, **options))
    assert silent.context.label == "labels of list.json, whose meaning it does not state (label_meaning)"


def test_a_calibration_of_other_weights_is_not_evaluated(
    data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputRefusedError, match="Expected the calibration of weights"):
        evaluate_bundle(
            data_list,
            tmp_path,
            bundle,
            weights=str(calibrated),
            calibration=str(bundle / "models" / "calibration.json"),
            **EVALUATED,
        )


@pytest.mark.parametrize(("name", "split"), [("evaluate", "test"), ("train", "validation")])
def test_a_split_of_one_class_is_refused_before_the_run(
    name: str, split: Split, data_list: Path, bundle: Path, tmp_path: Path
) -> None:
    content = json.loads(data_list.read_text())
    items = [item | {"image": str(data_list.parent / item["image"])} for item in content["validation"]]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({split: [item for item in items if item["label"] == 1]}))
    message = f"both labels, 0 and 1, in the {split} split of .*list.json, got .1."
    with pytest.raises(UsageError, match=message):
        evaluate_bundle(path, tmp_path, bundle, split=split)
    overrides: dict[str, Any] = {"split": split} if name == "evaluate" else {}
    workflow = make_workflow(bundle, name, path, tmp_path, **overrides)
    where = "dataset" if name == "evaluate" else "validate#dataset"
    with pytest.raises(RuntimeError) as caught:  # by way of `python -m monai.bundle run`
        workflow.parser.get_parsed_content(f"{where}#data")
    assert isinstance(caught.value.__cause__, UsageError)


@pytest.fixture(scope="module")
def prepared(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data list of the LIDC crops, as `nodulus prepare lidc` makes it."""
    path = tmp_path_factory.mktemp("lidc") / "list.json"
    prepare_lidc(data_dir / "lidc_nodules", path)
    return path


def stated(bundle: Path) -> dict[str, str]:
    """Return what training.txt says, by key."""
    lines = (bundle / "models" / "training.txt").read_text().splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.slow
def test_the_shipped_weights_are_worth_what_training_txt_says(prepared: Path, bundle: Path, tmp_path: Path) -> None:
    facts = stated(bundle)
    named = facts["calibrated and judged with"].split("scikit-learn ")[1].split(",")[0]
    if sklearn.__version__.split(".")[:2] != named.split(".")[:2]:
        pytest.skip(f"the folds are those of scikit-learn {named}, {sklearn.__version__} divides patients differently")
    assert facts["data_hash"] == json.loads(prepared.read_text())["data_hash"]
    report = read_evaluation(evaluate_bundle(prepared, tmp_path, bundle))
    assert report.context.bundle is not None
    assert facts["weights_sha256"] == report.context.bundle.weights_sha256
    for name, score in report.scores.items():
        assert float(facts[f"auc {name}"].split()[0]) == pytest.approx(score.auc.value, abs=6e-4)
    for name in ("network", "network_diameter_box"):
        gain = report.scores[name].minus_diameter
        assert gain is not None
        assert float(facts[f"auc {name} less diameter"].split()[0]) == pytest.approx(gain.value, abs=6e-4)
        assert gain.low > 0, f"{name} is not better than diameter alone"
    committed = read_evaluation(bundle / "docs" / "metrics.json")
    assert committed.scores["network"].auc.value == pytest.approx(report.scores["network"].auc.value, abs=1e-6)
    assert committed.calibration["network"].ece.value == pytest.approx(
        report.calibration["network"].ece.value, abs=1e-3
    )
