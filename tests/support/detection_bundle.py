"""A detection bundle in the layout of MONAI's zoo, written here; nobody trained it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector

from nodulus.pipeline.bundle.workflow import make_parser
from nodulus.pipeline.detection.torchvision_names import torchvision_or_stand_in

NAME = "lung_nodule_ct_detection"
MARK = "scripts_were_run"


@dataclass(frozen=True)
class Numbers:
    """What differs between the zoo's bundle and small ones: depth, strides, anchors, spacing, window.

    Args:
        planes: channels of the pyramid and of the layer that it is made of; None for what MONAI's own function takes.
    """

    backbone: str
    returned_layers: tuple[int, ...]
    scales: tuple[int, ...]
    anchors: tuple[tuple[int, int, int], ...]
    size_divisible: tuple[int, int, int]
    window: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    planes: tuple[int, int] | None = None


ZOO = Numbers(
    backbone="resnet50(spatial_dims=3,n_input_channels=1,conv1_t_stride=[2,2,1],conv1_t_size=[7,7,7])",
    returned_layers=(1, 2),
    scales=(1, 2, 4),
    anchors=((6, 8, 4), (8, 6, 5), (10, 10, 6)),
    size_divisible=(16, 16, 8),
    window=(512, 512, 192),
    spacing_mm=(0.703125, 0.703125, 1.25),
)
SMALL = Numbers(
    backbone="resnet10(spatial_dims=3,n_input_channels=1,conv1_t_stride=[1,1,1],conv1_t_size=[7,7,7],widen_factor=0.5)",
    returned_layers=(2,),
    scales=(1, 2),
    anchors=((4, 4, 4), (6, 6, 6), (8, 8, 8)),  # even: MONAI rounds the halves
    size_divisible=(8, 8, 8),
    window=(192, 192, 192),
    spacing_mm=(2.8, 2.8, 2.8),
)
# One that learns in minutes of one core: it looks every 5.6 mm, with a quarter of the channels.
QUICK = replace(SMALL, returned_layers=(1,), planes=(64, 32))


def inference_config(numbers: Numbers) -> dict[str, Any]:
    """Return an inference config with the keys and the classes of the zoo's."""
    selector = "score_thresh=0.02,topk_candidates_per_level=1000,nms_thresh=0.22,detections_per_img=300"
    window = "roi_size=@infer_patch_size,overlap=0.25,sw_batch_size=1,mode='constant',device='cpu'"
    reader = {"_target_": "LoadImaged", "keys": "image", "reader": "itkreader", "affine_lps_to_ras": True}
    spacing = {"_target_": "Spacingd", "keys": "image", "pixdim": list(numbers.spacing_mm)}
    hounsfield = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -1024.0, "a_max": 300.0}
    return {
        "imports": ["$import glob", "$import scripts"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "is_raw": False,
        "is_resampled": "$(not @is_raw)",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "amp": True,
        "spatial_dims": 3,
        "num_classes": 1,
        "size_divisible": list(numbers.size_divisible),
        "infer_patch_size": list(numbers.window),
        "anchor_generator": {
            "_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
            "feature_map_scales": list(numbers.scales),
            "base_anchor_shapes": [list(shape) for shape in numbers.anchors],
        },
        "backbone": f"$monai.networks.nets.resnet.{numbers.backbone}",
        "feature_extractor": _feature_extractor(numbers),
        "network_def": {
            "_target_": "RetinaNet",
            "spatial_dims": "@spatial_dims",
            "num_classes": "@num_classes",
            "num_anchors": len(numbers.anchors),
            "feature_extractor": "@feature_extractor",
            "size_divisible": "@size_divisible",
            "use_list_output": False,
        },
        "network": "$@network_def.to(@device)",
        "detector": {
            "_target_": "RetinaNetDetector",
            "network": "@network",
            "anchor_generator": "@anchor_generator",
            "debug": False,
        },
        "detector_ops": [
            "$@detector.set_target_keys(box_key='box', label_key='label')",
            f"$@detector.set_box_selector_parameters({selector})",
            f"$@detector.set_sliding_window_inferer({window})",
        ],
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "_disabled_": "@is_raw"},
                {**reader, "_disabled_": "@is_resampled"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {**spacing, "_disabled_": "@is_resampled"},
                {**hounsfield, "b_min": 0.0, "b_max": 1.0, "clip": True},
                {"_target_": "EnsureTyped", "keys": "image"},
            ],
        },
        "inferer": {"_target_": "scripts.detection_inferer.RetinaNetInferer", "detector": "@detector"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "ClipBoxToImaged",
                    "box_keys": "box",
                    "label_keys": "label",
                    "box_ref_image_keys": "image",
                    "remove_empty": True,
                },
                {
                    "_target_": "AffineBoxToWorldCoordinated",
                    "box_keys": "box",
                    "box_ref_image_keys": "image",
                    "affine_lps_to_ras": True,
                },
                {"_target_": "ConvertBoxModed", "box_keys": "box", "src_mode": "xyzxyz", "dst_mode": "cccwhd"},
                {"_target_": "DeleteItemsd", "keys": ["image"]},
            ],
        },
        "handlers": [{"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'"}],
        "evaluator": {"_target_": "scripts.evaluator.DetectionEvaluator", "_requires_": "@detector_ops"},
        "initialize": ["$setattr(torch.backends.cudnn, 'benchmark', True)"],
        "run": ["$@evaluator.run()"],
    }


def _feature_extractor(numbers: Numbers) -> str | dict[str, Any]:
    if numbers.planes is None:
        network = "monai.apps.detection.networks.retinanet_network"
        return f"${network}.resnet_fpn_feature_extractor(@backbone,3,False,{list(numbers.returned_layers)},None)"
    (layer,), (out_channels, in_channels) = numbers.returned_layers, numbers.planes
    return {
        "_target_": "monai.networks.blocks.backbone_fpn_utils.BackboneWithFPN",
        "backbone": "@backbone",
        "return_layers": {f"layer{layer}": "0"},
        "in_channels_list": [in_channels],
        "out_channels": out_channels,
        "spatial_dims": "@spatial_dims",
    }


def write_bundle(folder: Path, numbers: Numbers, weights: Mapping[str, torch.Tensor] | None = None) -> Path:
    """Write a detection bundle, its scripts too, which leave a file beside them if anything imports them."""
    bundle = folder / NAME
    for part in ("configs", "models", "scripts", "docs"):
        (bundle / part).mkdir(parents=True)
    (bundle / "configs" / "inference.json").write_text(json.dumps(inference_config(numbers), indent=2))
    metadata = {"version": "0.0.1", "name": "detection for tests", "task": "CT lung nodule detection"}
    (bundle / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (bundle / "configs" / "logging.conf").write_text("[loggers]\nkeys=root\n")
    (bundle / "docs" / "README.md").write_text("Made for a test: it knows no patients.\n")
    leave_mark = f"from pathlib import Path\nPath(__file__).with_name('{MARK}').touch()\n"
    for script in ("__init__", "detection_inferer", "detection_saver", "evaluator"):
        (bundle / "scripts" / f"{script}.py").write_text(leave_mark)
    kept = make_detector(numbers).network.state_dict() if weights is None else dict(weights)
    torch.save(kept, bundle / "models" / "model.pt")
    return bundle


def make_detector(numbers: Numbers) -> RetinaNetDetector:
    """Return the detector of a config, untrained, as MONAI's own parser makes it."""
    config = inference_config(numbers)
    del config["imports"]
    parser = make_parser(config, device=torch.device("cpu"))
    with torchvision_or_stand_in():
        detector = parser.get_parsed_content("detector")
    parser.get_parsed_content("detector_ops")
    return detector
