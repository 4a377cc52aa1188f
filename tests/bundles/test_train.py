"""The train and evaluate workflows of the bundle, on crops so small that they learn nothing, and on the real ones."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import sklearn
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser, ConfigWorkflow

from nodulus.pipeline.prepare_lidc import prepare_lidc
from nodulus.pipeline.train import make_workflow, train
from nodulus.pipeline.training_handlers import ResumePoint
from nodulus.transforms.problems import UsageError

TINY: dict[str, Any] = {
    "batch_size": 4,
    "patch_size": 17,
    "network_def::block_inplanes": [4, 4, 8, 8],
    "train::dataset::num_workers": 0,
    "validate::dataset::num_workers": 0,
}
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


def test_evaluation_writes_metrics_and_scores(data_list: Path, bundle: Path, trained: Path, tmp_path: Path) -> None:
    options = {key: value for key, value in TINY.items() if not key.startswith(("train", "validate"))}
    metrics = evaluate(data_list, tmp_path, bundle, weights=str(trained / "model.pt"), n_resamples=50, **options)
    report = json.loads(metrics.read_text())
    assert report["auc"].keys() == {"own_box", "diameter_box", "diameter"}
    assert report["auc"]["diameter"]["value"] == 1.0
    assert report["difference"].keys() == {"own_box", "diameter_box"}
    assert report["counts"] == {"nodules": 12, "patients": 6, "malignant": 6, "benign": 6}
    assert report["weights_sha256"] == hashlib.sha256((trained / "model.pt").read_bytes()).hexdigest()
    with (tmp_path / "nodules.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["nodule_id"] for row in rows] == [f"nodule {index}" for index in range(20, 32)]
    assert all(0 <= float(row["malignant_own_box"]) <= 1 for row in rows)


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
    name: str, split: str, data_list: Path, bundle: Path, tmp_path: Path
) -> None:
    content = json.loads(data_list.read_text())
    items = [item | {"image": str(data_list.parent / item["image"])} for item in content["validation"]]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({split: [item for item in items if item["label"] == 1]}))
    message = f"both labels, 0 and 1, in the {split} split of .*list.json, got .1."
    with pytest.raises(UsageError, match=message):
        evaluate(path, tmp_path, bundle, split=split)
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
    report = json.loads(evaluate(prepared, tmp_path, bundle).read_text())
    assert facts["weights_sha256"] == report["weights_sha256"]
    for name, estimate in report["auc"].items():
        assert float(facts[f"auc {name}"].split()[0]) == pytest.approx(estimate["value"], abs=6e-4)
    for name, estimate in report["difference"].items():
        assert float(facts[f"auc {name} less diameter"].split()[0]) == pytest.approx(estimate["value"], abs=6e-4)
        assert estimate["low"] > 0, f"{name} is not better than diameter alone"
