"""A detection bundle as it is used: its network, its settings and its weights, judged before anything of it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodulus.pipeline.audit.used_part import check_part, hold_files, parsed, part_of
from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import UsageError, printable

CONFIG, METADATA, WEIGHTS = "configs/inference.json", "configs/metadata.json", "models/model.pt"
_USED = ("network_def", "network", "detector", "detector_ops", "postprocessing")
# What we do ourselves in their place: the series gate reads the scan, and it is resampled to the patient's axes.
_READ_BY_US = frozenset(["LoadImage", "EnsureChannelFirst", "Orientation", "Spacing"])
# Keys that we add to it: the one number of the resampling, and the transforms that follow.
SPACING, INTENSITY = "nodulus_spacing_mm", "nodulus_intensity"
_TO_WORLD, _BOX_MODE, _CENTER_AND_SIZE = "AffineBoxToWorldCoordinate", "ConvertBoxMode", "cccwhd"


@dataclass(frozen=True)
class DetectionBundle:
    """What is used of a detection bundle; all of it was judged.

    Args:
        place: its folder or zip.
        name: of the bundle.
        version: as its metadata tells.
        config: the part of its inference config that is used; its preprocessing is what follows the resampling.
        frame: of the world positions that its postprocessing gives.
        weights: the content of its file of weights.
    """

    place: Path
    name: str
    version: str
    config: Mapping[str, Any]
    frame: Frame
    weights: bytes

    @property
    def weights_sha256(self) -> str:
        """The hash of the file of weights, hexadecimal."""
        return hashlib.sha256(self.weights).hexdigest()

    def __str__(self) -> str:
        return printable(f"{self.name} {self.version}, weights {self.weights_sha256[:12]}")


def read_detection_bundle(place: Path, *, trust: bool = False) -> DetectionBundle:
    """Return what is used of a detection bundle's folder or zip, once nothing of it is refused.

    Its scripts are neither imported nor judged: network, boxes and their way to world positions are MONAI's own
    classes, named in the config.

    Args:
        place: of the bundle.
        trust: do without the audit.

    Raises:
        UsageError: there is no such bundle, or it is another kind of one.
        InputRefusedError: ``untrusted_bundle``, when the part that is used is not on the allow-list.
    """
    held = hold_files(place, (CONFIG, METADATA, WEIGHTS))
    content = parsed(held, CONFIG)
    lacking = [key for key in ("preprocessing", *_USED) if key not in content]
    if lacking:
        raise UsageError(
            f"Expected a detection bundle, such as MONAI's lung_nodule_ct_detection, got no {' and no '.join(lacking)}"
            f" in {CONFIG} of {place}"
        )
    spacing, intensity = _preprocessing(content, place)
    chosen = {**content, SPACING: spacing, INTENSITY: {"_target_": "Compose", "transforms": intensity}}
    config = part_of(chosen, (*_USED, SPACING, INTENSITY))
    if not trust:
        check_part(held, CONFIG, config, (WEIGHTS,))
    version = parsed(held, METADATA).get("version")
    if not isinstance(version, str):
        raise UsageError(f"Expected the bundle's version, a text, got none in {METADATA} of {place}")
    name = place.resolve().name if place.is_dir() else place.stem
    return DetectionBundle(place, name, version, config, _frame(content, place), held.contents[WEIGHTS])


def _preprocessing(content: Mapping[str, Any], place: Path) -> tuple[Any, list[Any]]:
    """Return the spacing that the network is shown, and the transforms of the preprocessing that are not our own part.

    A switch for images that are resampled already (``_disabled_``) tells nothing here: none of ours are.
    """
    listed = _transforms(content, "preprocessing", place)
    spacing = [each["pixdim"] for each in listed if _name(each) == "Spacing" and "pixdim" in each]
    if len(spacing) != 1:
        raise UsageError(
            f"Expected one Spacingd with pixdim in preprocessing, got {len(spacing)} in {CONFIG} of {place}"
        )
    axes = [each.get("axcodes") for each in listed if _name(each) == "Orientation"]
    if any(code != "RAS" for code in axes):
        raise UsageError(f"Expected the orientation RAS in preprocessing, got {axes[0]!r} in {CONFIG} of {place}")
    return spacing[0], [each for each in listed if _name(each) not in _READ_BY_US]


def _frame(content: Mapping[str, Any], place: Path) -> Frame:
    """Return the frame of the boxes: MONAI's own is RAS, which ``affine_lps_to_ras`` turns to LPS."""
    listed = _transforms(content, "postprocessing", place)
    to_world = [each for each in listed if _name(each) == _TO_WORLD]
    modes = [each.get("dst_mode") for each in listed if _name(each) == _BOX_MODE]
    if len(to_world) != 1 or modes[-1:] != [_CENTER_AND_SIZE]:
        raise UsageError(
            f"Expected a postprocessing by {_TO_WORLD}d and to boxes of the mode {_CENTER_AND_SIZE}, got another in"
            f" {CONFIG} of {place}"
        )
    is_lps = to_world[0].get("affine_lps_to_ras", False)
    if not isinstance(is_lps, bool):
        raise UsageError(f"Expected affine_lps_to_ras as true or false, got {is_lps!r} in {CONFIG} of {place}")
    return "LPS" if is_lps else "RAS"


def _transforms(content: Mapping[str, Any], key: str, place: Path) -> list[dict[str, Any]]:
    found = content[key].get("transforms") if isinstance(content[key], dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"Expected a Compose of transforms in {key}, got another in {CONFIG} of {place}")
    return found


def _name(transform: Mapping[str, Any]) -> str:
    """Return a transform's name without its module and the ending of dictionary transforms."""
    name = str(transform.get("_target_")).rpartition(".")[2]
    return name.removesuffix("d") if name.endswith("d") else name
