"""Nodules of a label mask (NIfTI, MetaImage, NRRD): the connected parts of each label that is a lesion."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine
from nodulus.transforms.problems import InputRefusedError, UsageError
from nodulus.transforms.sources.signatures import GZIP_MAGIC, IMAGE_SUFFIXES, NRRD_MAGIC, is_nifti

from .nodule import Nodule, clean_name, named_apart
from .parts import MAX_VOLUME_MM3, parts_kept
from .plane_stack import PlaneStack, parts_of
from .scan_names import name_of_image

if TYPE_CHECKING:
    from nodulus.transforms.images.label_mask import LabelMask

_METAIMAGE_STARTS = (b"ObjectType", b"NDims")
# TotalSegmentator knows 117 structures; an image of intensities has thousands of values.
_MAX_LABELS = 512
# NIfTI-2's; NIfTI-1's has 348.
_NIFTI_HEADER_BYTES = 540


def is_label_mask(start: bytes, path: Path) -> bool:
    """Return whether a file that starts with these bytes is an image, by its content or its name."""
    is_named = path.name.lower().endswith((*IMAGE_SUFFIXES, ".hdr", ".img"))
    return is_named or is_nifti(_unpacked(start)) or start.startswith((NRRD_MAGIC, *_METAIMAGE_STARTS))


def _unpacked(start: bytes) -> bytes:
    """Return the first bytes of what a gzip stream holds, and those of anything else as they are."""
    if not start.startswith(GZIP_MAGIC):
        return start
    try:
        return zlib.decompressobj(wbits=31).decompress(start, _NIFTI_HEADER_BYTES)
    except zlib.error:
        return start


def nodules_of_mask(path: Path) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each connected part of each label, and notes on what was left out.

    A label is called by its name where the file tells it, else by its number.
    """
    # Loaded late: nibabel takes 0.2 s, and scipy half of it, which other sources do without.
    from scipy import ndimage

    from nodulus.transforms.images.label_mask import open_label_mask

    try:
        mask = open_label_mask(path)
    except InputRefusedError as refusal:
        raise UsageError(f"{path.name}: expected a label mask; {refusal.problem.message}") from refusal
    lesions, notes = _lesions(mask, path)
    places = ndimage.find_objects(mask.labels)
    nodules: list[Nodule] = []
    for label, name in lesions.items():
        where = places[label - 1]
        stack = _stack(mask.labels[where] == label, mask.affine_lps, [extent.start for extent in where])
        kept, left_out = parts_kept(name, parts_of(stack))
        notes += left_out
        nodules += [Nodule(n, s.center_lps_mm, s.diameter_mm, box_lps_mm=s.box_lps_mm) for n, s in kept]
    return named_apart(nodules), notes


def _lesions(mask: LabelMask, path: Path) -> tuple[dict[int, str], list[str]]:
    """Return the names of the labels that may be nodules, and notes on those that are none."""
    from .roles import named_role  # loaded late, as pydicom comes with it

    counts = _counts(mask.labels)
    present = [int(label) for label in np.flatnonzero(counts) if label]
    if not present:
        raise UsageError(f"{path.name}: expected a label mask, got no voxel above 0")
    if len(present) > _MAX_LABELS:
        raise UsageError(f"{path.name}: expected at most {_MAX_LABELS} labels, got {len(present)} (a CT image?)")
    # A file of one structure is called as it; one of many numbers may be called anything.
    file_names = {present[0]: name_of_image(path.name) or ""} if len(present) == 1 else {}
    voxel_mm3 = abs(float(np.linalg.det(mask.affine_lps[:3, :3])))
    lesions: dict[int, str] = {}
    notes: list[str] = []
    for label in present:
        name = clean_name(mask.names.get(label) or label)
        role = named_role(mask.names.get(label) or file_names.get(label, ""))
        if role is None and counts[label] * voxel_mm3 > MAX_VOLUME_MM3:
            role = f"{counts[label] * voxel_mm3 / 1000:.0f} ml, more than a nodule has"
        if role is None:
            lesions[label] = name
        else:
            notes.append(f"label {name!r} left out: {role}")
    return lesions, notes


def _counts(labels: NDArray[np.uint16]) -> NDArray[np.intp]:
    """Return how many voxels each label has; slice by slice, since counting takes eight bytes a voxel."""
    counts = np.zeros(np.iinfo(np.uint16).max + 1, dtype=np.intp)
    for k in range(labels.shape[2]):
        here = np.bincount(labels[:, :, k].ravel())
        counts[: len(here)] += here
    return counts


def _stack(mask: NDArray[np.bool_], affine_lps: Affine, low: list[int]) -> PlaneStack:
    """Return the planes of a mask (x, y, z) that begins at voxel ``low`` of a grid."""
    steps = affine_lps[:3, :2].T
    between = affine_lps[:3, 2]
    origins = affine_lps[:3, 3] + affine_lps[:3, :3] @ np.array(low) + np.arange(mask.shape[2])[:, None] * between
    normal = np.cross(steps[0], steps[1])
    thickness_mm = abs(float(between @ normal)) / float(np.linalg.norm(normal))
    return PlaneStack(np.moveaxis(mask, 2, 0), origins, steps, np.full(mask.shape[2], thickness_mm))
