"""The bundle as MONAI's own tools see it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, onnx_export, verify_metadata, verify_net_in_out

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.readout.characteristics import CLASSES, OUTPUTS
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import InputRefusedError

SCHEMA = Path(__file__).parent / "metadata_schema.json"


def config(bundle: Path, name: str) -> dict[str, object]:
    return dict(json.loads((bundle / "configs" / f"{name}.json").read_text()))


def test_bundle_holds_every_file_that_users_look_for(bundle: Path) -> None:
    expected = {
        "LICENSE", "configs/metadata.json", "configs/train.json", "configs/evaluate.json", "configs/inference.json",
        "configs/logging.conf", "models/model.pt", "models/training.txt",
        "models/calibration.json", "models/training_patients.json", "models/validation_patients.json",
        "docs/metrics.json", "docs/README.md", "docs/data_license.txt",
    }  # fmt: skip
    assert expected <= {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}


def test_infer_config_misses_no_property(bundle: Path, study: DemoStudy, tmp_path: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.json"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
        image=str(study.dicom_folder),
        nodules=str(study.nodule_table),
        output_dir=str(tmp_path),
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_infer_config_can_be_inspected_without_a_scan(bundle: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.json"), workflow_type="infer", bundle_root=str(bundle)
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert len(workflow.dataset) == 0


def test_metadata_fits_the_schema(bundle: Path) -> None:
    verify_metadata(
        meta_file=str(bundle / "configs" / "metadata.json"),
        filepath=str(SCHEMA),
        hash_val=hashlib.sha256(SCHEMA.read_bytes()).hexdigest(),
        hash_type="sha256",
    )


def test_metadata_version_is_the_newest_of_its_changelog(bundle: Path) -> None:
    metadata = config(bundle, "metadata")
    changelog = metadata["changelog"]
    assert isinstance(changelog, dict)
    assert metadata["version"] == max(changelog, key=lambda version: [int(part) for part in version.split(".")])


def test_weights_are_a_plain_state_dict_of_less_than_25_mb(bundle: Path) -> None:
    weights = bundle / "models" / "model.pt"
    state = torch.load(weights, weights_only=True)
    assert weights.stat().st_size < 25e6
    assert all(isinstance(value, torch.Tensor) for value in state.values())


def test_network_takes_and_gives_what_the_metadata_says(bundle: Path) -> None:
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle / "configs" / "metadata.json"),
        config_file=str(bundle / "configs" / "inference.json"),
    )


@pytest.mark.parametrize("key", ["network_def", "patch_size", "patch_spacing_mm", "margin_mm", "hu_window"])
def test_all_three_configs_describe_one_network_and_one_patch(key: str, bundle: Path) -> None:
    found = [config(bundle, name)[key] for name in ("train", "evaluate", "inference")]
    assert found[0] == found[1] == found[2]


def test_patch_size_of_the_metadata_is_that_of_the_configs(bundle: Path) -> None:
    metadata = ConfigParser(config(bundle, "metadata"))
    assert metadata["network_data_format#inputs#image#spatial_shape"] == config(bundle, "inference")["patch_size"]


def test_the_metadata_names_every_output(bundle: Path) -> None:
    formats = config(bundle, "metadata")["network_data_format"]
    assert isinstance(formats, dict)
    raw = formats["outputs"]["pred"]
    assert [name.replace(" ", "_") for name in raw["channel_def"].values()] == list(OUTPUTS)
    assert raw["num_channels"] == len(OUTPUTS)
    for output in (raw, formats["post_processed_outputs"]["pred"]):
        assert (output["type"], output["format"]) == ("probabilities", "classes")  # words that MONAI Deploy knows
    assert list(formats["post_processed_outputs"]["pred"]["channel_def"].values()) == list(CLASSES)


def test_exported_torchscript_gives_the_same_logits(bundle: Path, tmp_path: Path) -> None:
    exported = tmp_path / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(exported),
        ckpt_file=str(bundle / "models" / "model.pt"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        config_file=str(bundle / "configs" / "inference.json"),
    )
    assert_same_logits(bundle, torch.jit.load(str(exported)))


def test_onnx_export_writes_a_model_that_onnx_accepts(bundle: Path, tmp_path: Path) -> None:
    import onnx

    exported = tmp_path / "model.onnx"
    onnx_export(
        net_id="network_def",
        filepath=str(exported),
        ckpt_file=str(bundle / "models" / "model.pt"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        config_file=str(bundle / "configs" / "inference.json"),
    )
    onnx.checker.check_model(str(exported))


def assert_same_logits(bundle: Path, exported: torch.nn.Module) -> None:
    size = config(bundle, "inference")["patch_size"]
    assert isinstance(size, list)
    batch = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = (Scorer(bundle, device="cpu").network(batch) - exported.eval()(batch)).abs().max()
    assert difference < 1e-4


def test_monai_bundle_run_gives_the_probabilities_of_the_python_door(
    bundle: Path, study: DemoStudy, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-m", "monai.bundle", "run",
        "--config_file", str(bundle / "configs" / "inference.json"),
        "--bundle_root", str(bundle),
        "--image", str(study.dicom_folder),
        "--nodules", str(study.nodule_table),
        "--output_dir", str(tmp_path / "out"),
        "--logging_file", str(bundle / "configs" / "logging.conf"),
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)

    (case,) = read_results(tmp_path / "out" / "results.json").cases
    expected = Scorer(bundle, device="cpu").score(study.dicom_folder, study.nodule_table)
    for run, python in zip(case.nodules, expected.nodules, strict=True):
        assert run.probabilities is not None
        assert python.probabilities is not None
        assert run.probabilities.malignant == pytest.approx(python.probabilities.malignant, abs=1e-6)
        assert (run.above, run.flags, run.size_only) == (python.above, python.flags, python.size_only)
        assert run.characteristics == pytest.approx(python.characteristics, abs=1e-5)


def test_a_bundle_run_refuses_a_calibration_of_other_weights(bundle: Path, study: DemoStudy, tmp_path: Path) -> None:
    other = shutil.copytree(bundle, tmp_path / "bundle")
    calibration = json.loads((other / "models" / "calibration.json").read_text())
    (other / "models" / "calibration.json").write_text(json.dumps(calibration | {"weights_sha256": "0" * 64}))
    workflow = ConfigWorkflow(
        config_file=str(other / "configs" / "inference.json"),
        workflow_type="infer",
        bundle_root=str(other),
        image=str(study.dicom_folder),
        nodules=str(study.nodule_table),
        output_dir=str(tmp_path / "out"),
    )
    workflow.initialize()
    with pytest.raises(RuntimeError) as failure:
        workflow.run()
    assert isinstance(failure.value.__cause__, InputRefusedError)
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_refused_scan_is_written_to_the_results_of_a_bundle_run(
    bundle: Path, study: DemoStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(bundle)
    workflow = ConfigWorkflow(
        config_file="configs/inference.json",
        workflow_type="infer",
        image=str(tmp_path / "empty"),
        nodules=str(study.nodule_table),
        output_dir=str(tmp_path / "out"),
    )
    workflow.initialize()
    with pytest.raises(RuntimeError) as failure:
        workflow.run()
    assert isinstance(failure.value.__cause__, InputRefusedError)
    results = read_results(tmp_path / "out" / "results.json")
    assert results.bundle.name == bundle.name
    assert results.cases[0].problem is not None
    assert results.cases[0].problem.code == "unreadable"
