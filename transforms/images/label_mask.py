"""Opens a label image stored as NIfTI, MetaImage or NRRD: its grid, its whole-number voxels, its labels' names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.mask_rules import LABELS, MASK_SIZE, WHOLE_NUMBERS
from nodulus.transforms.gate.place_rules import READABLE
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.geometry import Affine
from nodulus.transforms.sources.deflate_reader import DeflateReader
from nodulus.transforms.sources.signatures import GZIP_MAGIC, NRRD_MAGIC

from .read_image import read_stored
from .stored_image import StoredImage

# A block is inflated in one go: from slice to slice the stream would be entered anew.
_BLOCK_VOXELS = 1 << 23
_MAX_NAMES_BYTES = 1 << 20
# TotalSegmentator's header extension (connectome workbench XML), and Slicer's keys of a .seg.nrrd.
_NIFTI_NAME = re.compile(rb'<Label[^>]*\bKey="(\d{1,5})"[^>]*>(?:<!\[CDATA\[)?([^<\]]+)')
_NRRD_KEY = re.compile(rb"^Segment(\d+)_(LabelValue|Name):=(.*?)\r?$", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class LabelMask:
    """A label image on its own grid.

    Args:
        labels: (x, y, z); 0 is background.
        affine_lps: 4x4, voxel index to LPS mm.
        names: of labels, where the file tells them.
    """

    labels: NDArray[np.uint16]
    affine_lps: Affine
    names: dict[int, str]


def open_label_mask(path: Path) -> LabelMask:
    """Return the label image of a NIfTI, MetaImage or NRRD file; its geometry is judged as that of a CT is.

    Raises:
        InputRefusedError: the file is damaged or states no geometry, or its voxels are no labels: ``unreadable`` where
            they are no whole numbers from 0 to 65535.
    """
    try:
        image = read_stored(path, Gate())
        image.voxels.check_complete()
        return LabelMask(_labels(image, path), image.affine_lps, _names(path))
    except OSError as error:
        raise refusal(READABLE, str(error.strerror), path.name, expected="a readable file") from error


def _labels(image: StoredImage, path: Path) -> NDArray[np.uint16]:
    size = image.voxels.size_xyz
    if int(np.prod(size, dtype=object)) > MASK_SIZE.limit * (1 << 20):
        raise refusal(MASK_SIZE, str(list(size)), path.name)
    labels = np.zeros(size, dtype=np.uint16, order="F")
    n_slices = max(_BLOCK_VOXELS // (size[0] * size[1]), 1)
    for start in range(0, size[2], n_slices):
        values = image.voxels.read_slab(start, min(start + n_slices, size[2]))
        labels[:, :, start : start + n_slices] = _whole_numbers(values, path)
    return labels


def _whole_numbers(values: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    """Return the values, which must be labels, without what scaling left behind their point."""
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > LABELS.limit:
        raise refusal(LABELS, f"values from {low:g} to {high:g} (an image, not a mask?)", path.name)
    whole = np.round(values)
    off = np.abs(values - whole) > WHOLE_NUMBERS.limit
    if off.any():
        got = f"{float(values[off][0]):g} (probabilities? set a threshold first)"
        raise refusal(WHOLE_NUMBERS, got, path.name)
    return whole


def _names(path: Path) -> dict[int, str]:
    """Return the labels' names that TotalSegmentator (NIfTI) and Slicer (NRRD) write into the header."""
    with path.open("rb") as file:
        start = file.read(_MAX_NAMES_BYTES)
    if start.startswith(GZIP_MAGIC):
        start = DeflateReader(path).read_start(_MAX_NAMES_BYTES)
    if not start.startswith(NRRD_MAGIC):
        return {int(key): name.decode("utf-8", "replace").strip() for key, name in _NIFTI_NAME.findall(start)}
    keys: dict[bytes, dict[bytes, bytes]] = {}
    for number, key, value in _NRRD_KEY.findall(start.split(b"\n\n", 1)[0].replace(b"\r\n", b"\n")):
        keys.setdefault(number, {})[key] = value
    return {
        int(segment[b"LabelValue"]): segment[b"Name"].decode("utf-8", "replace").strip()
        for segment in keys.values()
        if segment.keys() >= {b"LabelValue", b"Name"} and segment[b"LabelValue"].strip().isdigit()
    }
