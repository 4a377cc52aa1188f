"""A detection bundle in the layout of MONAI's zoo, small, written here and trained on phantoms: not for patients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.apps.detection.networks import retinanet_detector
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from nodulus.pipeline.bundle.workflow import make_parser
from nodulus.pipeline.detection.torchvision_names import torchvision_or_stand_in
from nodulus.pipeline.phantom import PhantomNodule, PhantomSpec, make_phantom
from nodulus.transforms.geometry import Grid
from nodulus.transforms.patches.patient_axes import resample_to_patient_axes
from nodulus.transforms.volume import volume_from_array

NAME = "lung_nodule_ct_detection"
MARK = "scripts_were_run"


@dataclass(frozen=True)
class Numbers:
    """What differs between the zoo's bundle and the small one: depth, strides, anchors, spacing, window."""

    backbone: str
    returned_layers: tuple[int, ...]
    scales: tuple[int, ...]
    anchors: tuple[tuple[int, int, int], ...]
    size_divisible: tuple[int, int, int]
    window: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]


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
    backbone="resnet10(spatial_dims=3,n_input_channels=1,conv1_t_stride=[1,1,1],conv1_t_size=[3,3,3],widen_factor=0.5)",
    returned_layers=(3,),  # maps of a few positions, whose heads of 256 channels are what takes the time
    scales=(1, 2),
    anchors=((5, 5, 5), (7, 7, 7), (9, 9, 9)),
    size_divisible=(16, 16, 16),
    window=(192, 192, 192),
    spacing_mm=(2.8, 2.8, 2.8),
)


def inference_config(numbers: Numbers) -> dict[str, Any]:
    """Return an inference config with the keys and the classes of the zoo's."""
    network = "monai.apps.detection.networks.retinanet_network"
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
        "feature_extractor": (
            f"${network}.resnet_fpn_feature_extractor(@backbone,3,False,{list(numbers.returned_layers)},None)"
        ),
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


def write_bundle(folder: Path, numbers: Numbers, weights: Mapping[str, torch.Tensor] | None = None) -> Path:
    """Write a detection bundle, its scripts too, which leave a file beside them if anything imports them."""
    bundle = folder / NAME
    for part in ("configs", "models", "scripts", "docs"):
        (bundle / part).mkdir(parents=True)
    (bundle / "configs" / "inference.json").write_text(json.dumps(inference_config(numbers), indent=2))
    metadata = {"version": "0.0.1", "name": "phantom detection", "task": "CT lung nodule detection"}
    (bundle / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (bundle / "configs" / "logging.conf").write_text("[loggers]\nkeys=root\n")
    (bundle / "docs" / "README.md").write_text("Trained on phantoms for a test: it knows no patients.\n")
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


@dataclass(frozen=True)
class _Example:
    """A phantom as the network sees it, (1, x, y, z) in 0..1, and its nodules' boxes in voxels, xyzxyz."""

    image: torch.Tensor
    boxes: torch.Tensor


def trained_weights(n_steps: int, n_phantoms: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return weights of the small detector that were trained on crops of some phantoms."""
    torch.manual_seed(seed)
    detector = make_detector(SMALL)
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(batch_size_per_image=64, positive_fraction=0.3, pool_size=20, min_neg=16)
    rng = np.random.default_rng(seed)
    examples = [_example(rng, seed + 1 + index) for index in range(n_phantoms)]
    optimizer = torch.optim.AdamW(detector.network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=n_steps)
    detector.train()
    # MONAI asks whether its matcher and sampler are torchvision's, which is not there.
    retinanet_detector.Matcher = retinanet_detector.BalancedPositiveNegativeSampler = type("Absent", (), {})
    for step in range(n_steps):
        crops = [_crop(rng, examples[(step + index) % len(examples)]) for index in range(2)]
        images = [image for image, _ in crops]
        targets = [{"box": boxes, "label": torch.zeros(len(boxes), dtype=torch.long)} for _, boxes in crops]
        losses = detector(images, targets)
        loss = losses[detector.cls_key] + losses[detector.box_reg_key]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(detector.network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    return {name: value.detach().clone() for name, value in detector.network.state_dict().items()}


def lung_nodules(rng: np.random.Generator, n: int, smallest_mm: float = 13.0) -> tuple[PhantomNodule, ...]:
    """Return nodules somewhere inside the phantom's lungs, none of which touches another."""
    spec = PhantomSpec(size_xyz=(72, 72, 64), spacing_mm=(4.2, 4.2, 4.2), nodules=())
    empty = make_phantom(spec)
    is_lung = (empty.intensity_hu > -950) & (empty.intensity_hu < -700)
    depth_mm = distance_transform_edt(is_lung, sampling=spec.spacing_mm)
    nodules: list[PhantomNodule] = []
    for index in rng.permutation(np.argwhere(depth_mm > 9)):
        center = empty.affine_lps[:3, :3] @ (index + rng.uniform(-0.5, 0.5, 3)) + empty.affine_lps[:3, 3]
        diameter = float(rng.uniform(smallest_mm, 26))
        if all(np.linalg.norm(center - each.center_lps_mm) > 30 for each in nodules):
            x, y, z = center.tolist()
            nodules.append(PhantomNodule(f"T{len(nodules)}", (x, y, z), diameter))
        if len(nodules) == n:
            break
    return tuple(nodules)


def _example(rng: np.random.Generator, seed: int) -> _Example:
    spec = PhantomSpec(size_xyz=(116, 116, 104), spacing_mm=(2.8, 2.8, 2.8), nodules=lung_nodules(rng, 24), seed=seed)
    phantom = make_phantom(spec)
    volume = volume_from_array(phantom.intensity_hu.astype(np.float32), Grid(spec.size_xyz, spec.affine_lps))
    intensity_hu, affine_ras = resample_to_patient_axes(volume, SMALL.spacing_mm)
    image = torch.from_numpy(np.clip((intensity_hu + 1024) / 1324, 0, 1))[None]
    return _Example(image, torch.from_numpy(_boxes_in_voxels(spec.nodules, affine_ras)))


def _boxes_in_voxels(nodules: Sequence[PhantomNodule], affine_ras: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a cube around each nodule: low x, y, z and high x, y, z in voxels of a grid along the patient's axes."""
    centers_ras_mm = np.array([each.center_lps_mm for each in nodules]) * [-1, -1, 1]
    halves_mm = np.array([[each.diameter_mm / 2] for each in nodules])
    corners = np.concatenate([centers_ras_mm - halves_mm, centers_ras_mm + halves_mm], axis=1)
    spacing, first = np.diag(affine_ras)[:3], affine_ras[:3, 3]
    return ((corners - np.tile(first, 2)) / np.tile(spacing, 2)).astype(np.float32)


def _crop(rng: np.random.Generator, example: _Example, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a cube of an example, mostly about a nodule, mirrored by chance, and the boxes whose centres it has."""
    size = np.array(example.image.shape[1:])
    about = example.boxes[rng.integers(len(example.boxes))].numpy()
    middle = (about[:3] + about[3:]) / 2 if rng.random() < 0.7 else rng.uniform(0, size)
    start = np.clip(np.round(middle - side / 2 + rng.uniform(-8, 8, 3)), 0, size - side).astype(int)
    x, y, z = (slice(int(a), int(a) + side) for a in start)
    boxes = example.boxes - torch.from_numpy(np.tile(start, 2)).float()
    centers = (boxes[:, :3] + boxes[:, 3:]) / 2
    boxes = boxes[((centers > 1) & (centers < side - 2)).all(dim=1)].clamp(0, side - 1)
    image = example.image[:, x, y, z]
    for axis in range(3):
        if rng.random() < 0.5:
            image = image.flip(axis + 1)
            low, high = side - 1 - boxes[:, axis + 3], side - 1 - boxes[:, axis]
            boxes = boxes.clone()
            boxes[:, axis], boxes[:, axis + 3] = low, high
    return image.contiguous(), boxes
