"""The train and evaluate workflows of the bundle, on crops so small that they learn nothing, and on the real ones."""

from __future__ import annotations

import csv
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import sklearn
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser, ConfigWorkflow

from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import Split, hash_data, read_data_list, write_data_list
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.evaluation.record import read_evaluation
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.handlers import ResumePoint
from nodulus.pipeline.training.train import train
from nodulus.transforms.problems import InputRefusedError, UsageError

TINY: dict[str, Any] = {
    "batch_size": 4,
    "patch_size": 17,
    "network_def::block_inplanes": [4, 4, 8, 8],
    "train::dataset::num_workers": 0,
    "validate::dataset::num_workers": 0,
}
EVALUATED = {key: value for key, value in TINY.items() if not key.startswith(("train", "validate", "batch"))}
SHARED = ("patch_size", "patch_spacing_mm", "margin_mm", "hu_window", "network_def")


def write_crop(path: Path, radius_mm: float) -> None:
    """Write a crop of a sphere of soft tissue in lung, 20 x 20 x 10 voxels, about the LPS origin."""
    spacing = np.asarray([1.0, 1.0, 2.0])
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (20, 20, 10)], indexing="ij"), axis=-1)
    away_mm = np.linalg.norm((index - (9.5, 9.5, 4.5)) * spacing, axis=-1)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[:3, 3] = np.diag([1, 1, -1]) @ (np.asarray([9.5, 9.5, 4.5]) * spacing)
    nib.save(nib.Nifti1Image(np.where(away_mm < radius_mm, 40, -850).astype(np.int16), affine), path)


@pytest.fixture(scope="module")
def data_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a list of 16 patients with a small benign and a large malignant nodule each; one more is undecided."""
    folder = tmp_path_factory.mktemp("crops")
    splits: dict[str, list[dict[str, Any]]] = {"training": [], "validation": []}
    for index in range(33):
        label, radius_mm = (None, 4.0) if index == 32 else (index % 2, (2.5 + index % 3, 6.0 + index % 3)[index % 2])
        write_crop(folder / f"{index}.nii.gz", radius_mm)
        item = {
            "image": f"{index}.nii.gz",
            "nodule_id": f"nodule {index}",
            "patient_id": f"patient {index // 2}",
            "center_lps_mm": [0.0, 0.0, 0.0],
            "diameter_mm": 2 * radius_mm,
            "box_lps_mm": [-radius_mm] * 3 + [radius_mm] * 3,
            "label": label,
            "ratings": [3, 3] if label is None else [1 + 4 * label, 2 + label],
        }
        splits["training" if index % 32 < 20 else "validation"].append(item)
    path = folder / "list.json"
    path.write_text(json.dumps(splits))
    return path


@pytest.fixture(scope="module")
def trained(data_list: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of four epochs."""
    out = tmp_path_factory.mktemp("trained")
    train(data_list, out, bundle, max_epochs=4, **TINY)
    return out


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    """Return the averaged weights after the last epoch."""
    return dict(torch.load(out / "resume.pt", weights_only=True)["averaged_network"])


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_training_writes_weights_a_log_and_a_point_to_resume_from(trained: Path, bundle: Path) -> None:
    parser = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    parser.update({key: value for key, value in TINY.items() if key.startswith("network_def")})
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(trained / "model.pt", weights_only=True))
    log = (trained / "training_log.txt").read_text().splitlines()
    assert [line.split()[0] for line in log] == ["epoch", "1", "2", "3", "4"]
    losses = [float(line.split()[1]) for line in log[1:]]
    assert losses[-1] < losses[0]


def test_the_seed_decides_the_weights_to_the_bit(data_list: Path, bundle: Path, trained: Path, tmp_path: Path) -> None:
    train(data_list, tmp_path / "again", bundle, max_epochs=4, **TINY)
    assert_same(final_weights(tmp_path / "again"), final_weights(trained))
    assert (tmp_path / "again" / "model.pt").read_bytes() == (trained / "model.pt").read_bytes()
    train(data_list, tmp_path / "other", bundle, max_epochs=2, seed=1, **TINY)
    other = final_weights(tmp_path / "other")
    assert not torch.equal(other["conv1.weight"], final_weights(trained)["conv1.weight"])


def test_a_run_that_was_broken_off_resumes_to_the_same_weights(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = ResumePoint.save

    def save_and_break(self: ResumePoint, engine: Engine) -> None:
        save(self, engine)
        if engine.state.epoch == 2:
            raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(ResumePoint, "save", save_and_break)
        with pytest.raises(RuntimeError):
            train(data_list, tmp_path, bundle, max_epochs=4, **TINY)
    train(data_list, tmp_path, bundle, max_epochs=4, resume=True, **TINY)
    assert_same(final_weights(tmp_path), final_weights(trained))
    assert (tmp_path / "model.pt").read_bytes() == (trained / "model.pt").read_bytes()
    assert len((tmp_path / "training_log.txt").read_text().splitlines()) == 5


def test_training_stops_when_it_no_longer_improves(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    train(data_list, tmp_path, bundle, max_epochs=9, patience=1, learning_rate=1e-12, averaging=1e-9, **TINY)
    assert len((tmp_path / "training_log.txt").read_text().splitlines()) < 9


def test_train_config_misses_no_property(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "train.json"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type="train",
        bundle_root=str(bundle),
        data_list=str(data_list),
        output_dir=str(tmp_path),
        **TINY,
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_the_configs_describe_one_network_and_one_preprocessing(bundle: Path) -> None:
    contents = {
        name: json.loads((bundle / "configs" / f"{name}.json").read_text())
        for name in ("train", "evaluate", "inference")
    }
    for key in SHARED:
        assert contents["train"][key] == contents["evaluate"][key] == contents["inference"][key], key


def test_the_network_is_scripted(bundle: Path) -> None:
    parser = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    patch = torch.rand((2, 1, *[parser["patch_size"]] * 3), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(network)(patch), network(patch))


@pytest.fixture(scope="module")
def calibrated(data_list: Path, bundle: Path, trained: Path) -> Path:
    """Return the weights of a short run, calibrated."""
    calibrate(data_list, trained / "model.pt", bundle, **EVALUATED)
    return trained / "model.pt"


def test_calibration_is_fitted_to_the_validation_patients_and_names_its_weights(
    data_list: Path, calibrated: Path
) -> None:
    fitted = read_calibration(calibrated.with_name("calibration.json"), sha256(calibrated))
    assert fitted.fitted_on.model_dump(exclude={"data_hash"}) == {
        "split": "validation", "nodules": 12, "patients": 6, "malignant": 6, "benign": 6,
    }  # fmt: skip
    assert [point.name for point in fitted.operating_points] == ["high_sensitivity", "high_specificity"]
    # 21 training nodules through two boxes; the largest is that of the training split, not of the list.
    assert fitted.training_range.n_samples == 42
    items = read_data_list(data_list).training
    assert fitted.training_range.diameter_mm[1] == max(item.diameter_mm for item in items)
    assert fitted.malignant_by_size(4.0) < 0.5 < fitted.malignant_by_size(14.0)
    known = read_training_patients(calibrated.with_name("training_patients.json"))
    assert overlap(["patient 0", "patient 10", "patient 15"], known) == ["patient 0"]
    known = read_training_patients(calibrated.with_name("validation_patients.json"))
    assert overlap(["patient 0", "patient 10", "patient 15"], known) == ["patient 10", "patient 15"]


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
    assert report.context.bundle.weights_sha256 == sha256(calibrated)
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


def test_calibration_needs_weights_and_labels_of_both_classes(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Expected trained weights, found no file"):
        calibrate(data_list, tmp_path / "model.pt", bundle)


def test_calibration_refuses_a_file_that_holds_no_such_weights(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("no weights")
    with pytest.raises(InputRefusedError, match="untrusted_bundle: Expected the state dict of the bundle's network"):
        calibrate(data_list, tmp_path / "model.pt", bundle, **EVALUATED)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_weights_keep_the_patients_that_trained_them(data_list: Path, bundle: Path, calibrated: Path) -> None:
    data = read_data_list(data_list)
    other = data_list.with_name("fewer.json")
    fewer = tuple(item for item in data.training if item.patient_id != data.training[0].patient_id)
    write_data_list(data.model_copy(update={"training": fewer}), other)
    noted = calibrated.with_name("training_patients.json").read_bytes()
    with pytest.raises(UsageError, match=r"trained on, got other training patients in .*fewer.json"):
        calibrate(other, calibrated, bundle, **EVALUATED)
    with pytest.raises(UsageError, match=r"Expected the data list that the run in .* was begun with, SHA-256"):
        train(other, calibrated.parent, bundle, max_epochs=9, resume=True, **TINY)
    assert calibrated.with_name("training_patients.json").read_bytes() == noted


def test_a_list_is_named_by_its_content_not_by_what_it_says_of_itself(data_list: Path, calibrated: Path) -> None:
    fitted_on = read_calibration(calibrated.with_name("calibration.json")).fitted_on
    assert fitted_on.data_hash == hash_data(read_data_list(data_list))


def test_tensorboard_is_written_where_it_is_asked_for(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    if find_spec("tensorboard") is None:
        with pytest.raises(UsageError, match="Expected the package tensorboard"):
            train(data_list, tmp_path, bundle, max_epochs=1, tensorboard=True, **TINY)
        return
    train(data_list, tmp_path, bundle, max_epochs=1, tensorboard=True, **TINY)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_bad_list_is_refused_before_training_starts(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found no file"):
        train(tmp_path / "nowhere.json", tmp_path / "out", bundle)
    assert not (tmp_path / "out").exists()


def test_fewer_training_nodules_than_a_batch_are_refused(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    message = r"Expected at least {} training nodules \(one batch\), got 21 in .*list.json"
    for size, overrides in ((22, {"batch_size": 22}), (64, {"train::dataloader::batch_size": 64})):
        with pytest.raises(UsageError, match=message.format(size)):
            train(data_list, tmp_path / "out", bundle, **TINY | overrides)
    assert not (tmp_path / "out").exists()


def test_resuming_needs_a_checkpoint(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no .*resume.pt"):
        train(data_list, tmp_path, bundle, resume=True, **TINY)


def test_a_run_that_writes_no_weights_does_not_claim_them(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Expected the run to write .*model.pt, found none"):
        train(data_list, tmp_path, bundle, max_epochs=1, val_interval=2, **TINY)


def test_an_output_folder_that_cannot_be_written_is_refused_first(data_list: Path, bundle: Path) -> None:
    with pytest.raises(UsageError, match="Expected a folder to write to"):
        train(data_list, data_list / "out", bundle, **TINY)


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
    workflow = make_workflow(bundle, name, path, tmp_path, **({"split": split} if name == "evaluate" else {}))
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
    named = facts["versions"].split("scikit-learn ")[1].split(",")[0]
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
