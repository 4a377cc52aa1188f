"""Of a detection bundle a part is used; that part is judged, and nothing else of it runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nodulus.pipeline.audit.audit import audit_bundle
from nodulus.pipeline.detection.bundle import DetectionBundle, read_detection_bundle
from nodulus.pipeline.detection.detector import Detector
from nodulus.transforms.problems import InputRefusedError, UsageError
from tests.support.detection_bundle import MARK, NAME, SMALL, write_bundle

Config = dict[str, Any]
RUNS = "__import__('pathlib').Path('ran').touch()"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a detection bundle whose weights were never trained."""
    return write_bundle(tmp_path_factory.mktemp("original"), SMALL)


@pytest.fixture
def copy(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it to be changed, in the current folder, where a planted expression would leave a file."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(original, tmp_path / NAME))


def change(bundle: Path, edit: Callable[[Config], object]) -> None:
    """Change the inference config of a bundle."""
    path = bundle / "configs" / "inference.json"
    config = json.loads(path.read_text())
    edit(config)
    path.write_text(json.dumps(config))


def transform_of(config: Config, part: str, target: str) -> Config:
    found: Config = next(each for each in config[part]["transforms"] if each["_target_"] == target)
    return found


def test_a_folder_and_a_zip_of_it_are_the_same_bundle(original: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / NAME), "zip", original.parent, NAME)
    folder, zipped = read_detection_bundle(original), read_detection_bundle(Path(archive))
    for each in ("name", "version", "config", "frame", "weights"):
        assert getattr(folder, each) == getattr(zipped, each), each
    assert (folder.name, folder.version, folder.frame) == (NAME, "0.0.1", "LPS")
    assert str(folder) == f"{NAME} 0.0.1, weights {folder.weights_sha256[:12]}"


def test_only_what_the_detector_needs_is_kept(original: Path) -> None:
    kept = read_detection_bundle(original).config
    assert {"network_def", "backbone", "feature_extractor", "detector_ops", "infer_patch_size"} <= kept.keys()
    assert not {"imports", "handlers", "evaluator", "inferer", "initialize", "run", "preprocessing"} & kept.keys()
    assert "scripts" not in json.dumps(kept)


def test_the_audit_of_the_whole_refuses_its_scripts_which_the_detector_never_runs(original: Path) -> None:
    assert {finding.file.partition("/")[0] for finding in audit_bundle(original).refused} >= {"scripts"}
    Detector(original, device="cpu")
    assert not list(original.rglob(MARK))


PLANTED: dict[str, Callable[[Config], object]] = {
    "an expression": lambda config: config.update(spatial_dims=f"${RUNS} or 3"),
    "a target": lambda config: config["network_def"].update(_target_="builtins.exec"),
    "a target far down": lambda config: config.update(size_divisible={"_target_": "os.system", "command": "touch ran"}),
    "a way around a reference": lambda config: config.update(infer_patch_size="@run", run=f"${RUNS}"),
    "an import in an expression": lambda config: config["detector_ops"].append(f"${RUNS}"),
    "a macro": lambda config: config.update(num_classes="%/etc/hostname"),
    "weights from a file": lambda config: config.update(
        backbone="$monai.networks.nets.resnet.resnet10(pretrained='models/model.pt',spatial_dims=3)"
    ),
    "weights from the network": lambda config: config.update(
        backbone="$monai.networks.nets.resnet.resnet10(True,spatial_dims=3,n_input_channels=1,feed_forward=False)"
    ),
    "an expression in the window": lambda config: transform_of(config, "preprocessing", "ScaleIntensityRanged").update(
        a_min=f"${RUNS}"
    ),
    "an expression as spacing": lambda config: transform_of(config, "preprocessing", "Spacingd").update(
        pixdim=f"${RUNS}"
    ),
    "a step after the boxes": lambda config: config["postprocessing"]["transforms"].insert(
        0, {"_target_": "SaveImaged", "keys": "image"}
    ),
    "a debugger": lambda config: config["detector"].update(_mode_="debug"),
}


@pytest.mark.parametrize("edit", PLANTED.values(), ids=PLANTED.keys())
def test_what_is_planted_in_the_used_part_is_refused_and_not_run(copy: Path, edit: Callable[[Config], object]) -> None:
    change(copy, edit)
    with pytest.raises(InputRefusedError, match=r"untrusted_bundle: Expected a bundle of which every part .*inference"):
        Detector(copy, device="cpu")
    assert not Path("ran").exists()


@pytest.mark.parametrize("key", ["imports", "handlers", "evaluator", "initialize", "run", "dataset", "inferer"])
def test_what_is_planted_elsewhere_is_not_run(copy: Path, key: str) -> None:
    change(copy, lambda config: config.update({key: [f"${RUNS}", {"_target_": "os.system", "command": "touch ran"}]}))
    Detector(copy, device="cpu")
    assert not Path("ran").exists()


def test_trust_does_without_the_judgement(copy: Path) -> None:
    change(copy, lambda config: config.update(spatial_dims=f"${RUNS} or 3"))
    Detector(copy, device="cpu", trust=True)
    assert Path("ran").exists()


def test_weights_that_hold_more_than_numbers_are_refused(copy: Path) -> None:
    torch.save({"a": Path("x")}, copy / "models" / "model.pt")
    with pytest.raises(InputRefusedError, match=r"untrusted_bundle: .*models/model.pt"):
        Detector(copy, device="cpu")


def test_weights_may_lie_under_a_name_as_some_programs_save_them(copy: Path) -> None:
    weights = torch.load(copy / "models" / "model.pt", weights_only=True)
    torch.save({"model": weights}, copy / "models" / "model.pt")
    loaded = Detector(copy, device="cpu").network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())


def test_weights_of_another_network_are_refused(copy: Path) -> None:
    torch.save({"a": torch.zeros(1)}, copy / "models" / "model.pt")
    with pytest.raises(InputRefusedError, match="got names or shapes of another one"):
        Detector(copy, device="cpu")


def test_a_link_out_of_the_bundle_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "models" / "model.pt").rename(tmp_path / "elsewhere.pt")
    (copy / "models" / "model.pt").symlink_to(tmp_path / "elsewhere.pt")
    with pytest.raises(InputRefusedError, match="leads out of the bundle"):
        read_detection_bundle(copy)


@pytest.mark.parametrize("name", ["configs/inference.json", "configs/metadata.json", "models/model.pt"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(UsageError, match=f"Expected a whole bundle, {name} missing from"):
        read_detection_bundle(copy)


def without(part: str, target: str) -> Callable[[Config], object]:
    def edit(config: Config) -> None:
        config[part]["transforms"].remove(transform_of(config, part, target))

    return edit


OTHER_KINDS: dict[str, tuple[Callable[[Config], object], str]] = {
    "no detector": (lambda config: [config.pop("detector"), config.pop("detector_ops")], "no detector and no detector"),
    "no spacing": (without("preprocessing", "Spacingd"), "Expected one Spacingd with pixdim in preprocessing, got 0"),
    "another orientation": (
        lambda config: transform_of(config, "preprocessing", "Orientationd").update(axcodes="LPS"),
        "Expected the orientation RAS in preprocessing, got 'LPS'",
    ),
    "boxes in voxels": (without("postprocessing", "AffineBoxToWorldCoordinated"), "AffineBoxToWorldCoordinated and to"),
    "boxes as corners": (without("postprocessing", "ConvertBoxModed"), "boxes of the mode cccwhd"),
    "a list": (lambda config: config.update(preprocessing=[]), "Expected a Compose of transforms in preprocessing"),
    "no window": (lambda config: config["detector_ops"].pop(), "no set_sliding_window_inferer"),
    "anchors that do not fit": (
        lambda config: config["network_def"].update(num_anchors=7),
        "Expected a detector made by configs/inference.json",
    ),
}


@pytest.mark.parametrize(("edit", "says"), OTHER_KINDS.values(), ids=OTHER_KINDS.keys())
def test_another_kind_of_bundle_is_told_by_what_it_lacks(
    copy: Path, edit: Callable[[Config], object], says: str
) -> None:
    change(copy, edit)
    with pytest.raises(UsageError) as told:
        Detector(copy, device="cpu")
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_our_own_bundle_is_no_detector(bundle: Path) -> None:
    with pytest.raises(UsageError, match="Expected a detection bundle, such as MONAI's lung_nodule_ct_detection, got"):
        read_detection_bundle(bundle)


@pytest.mark.parametrize(("stated", "frame"), [(True, "LPS"), (False, "RAS")])
def test_the_frame_of_the_boxes_is_what_the_config_says(copy: Path, stated: bool, frame: str) -> None:
    edit = {"affine_lps_to_ras": stated}
    change(copy, lambda config: transform_of(config, "postprocessing", "AffineBoxToWorldCoordinated").update(edit))
    found: DetectionBundle = read_detection_bundle(copy)
    assert found.frame == frame
