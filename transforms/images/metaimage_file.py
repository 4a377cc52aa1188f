"""MetaImage headers (.mha, .mhd): geometry in LPS, and where the voxels are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nodulus.transforms.gate.image_rules import (
    HAS_GEOMETRY,
    KNOWN_FORMAT,
    KNOWN_UNIT,
    ONE_NUMBER_A_VOXEL,
    SOUND_HEADER,
    THREE_AXES,
)
from nodulus.transforms.gate.verdict import refusal
from nodulus.transforms.geometry import Affine, affine_from
from nodulus.transforms.sources.deflate_reader import DeflateReader

from .geometry_checks import check_affine, check_spacing, check_unit_axes, one_volume
from .stored_image import StoredImage, StoredVoxels, bytes_of
from .text_header import MAX_HEADER_BYTES, add_field, counts_of, data_file_beside, numbers_of, shown, skip_of

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# MetaIO's own synonyms.
_ORIGIN_FIELDS = ("Offset", "Position", "Origin")
_AXES_FIELDS = ("TransformMatrix", "Rotation", "Orientation")
_MSB_FIELDS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")


def is_metaimage(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is a MetaImage header."""
    return b"NDims" in start and b"=" in start


def read_metaimage(path: Path) -> StoredImage:
    """Return the image of a .mha file, or of a .mhd header whose voxels stand in a file beside it."""
    fields, header_bytes = _read_fields(path)
    sizes = counts_of(_required(fields, ("DimSize",), path), "DimSize", path)
    affine_lps = _affine_lps(fields, len(sizes), path)
    size_xyz = one_volume(sizes, path)
    name = fields["ElementDataFile"]
    data_path = path if name.upper() == "LOCAL" else data_file_beside(path, name)
    stored_type = _stored_type(fields, path)
    is_compressed = _is_true(fields.get("CompressedData", "False"))
    n_bytes = None if is_compressed else bytes_of(size_xyz, stored_type)
    start = _start(fields, header_bytes if data_path == path else 0, data_path, n_bytes, path)
    voxels = StoredVoxels(
        path=data_path,
        offset=0 if is_compressed else start,
        stored_type=stored_type,
        size_xyz=size_xyz,
        stream=DeflateReader(data_path, start) if is_compressed else None,
    )
    return StoredImage("metaimage", voxels, affine_lps)


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's fields and its length in bytes; ElementDataFile is its last line."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while "ElementDataFile" not in fields:
            line = file.readline(MAX_HEADER_BYTES)
            if not line or file.tell() > MAX_HEADER_BYTES:
                raise refusal(SOUND_HEADER, "none", path.name, expected="a header that ends in ElementDataFile")
            # MetaIO takes a colon, too.
            name, *value = re.split("[=:]", line.decode("latin-1"), maxsplit=1)
            if value and name.strip() != "Comment":
                add_field(fields, name.strip(), value[0].strip(), path)
        return fields, file.tell()


def _start(fields: dict[str, str], first: int, data_path: Path, n_bytes: int | None, path: Path) -> int:
    """Return where the voxels begin; HeaderSize counts from the start of the file, even behind a header within it.

    Args:
        fields: those of the header.
        first: the first byte of the file that is no header of ours.
        data_path: the file of voxels.
        n_bytes: of all voxels; None where they are compressed.
        path: the header's file.
    """
    header_size = skip_of(fields.get("HeaderSize", "0"), "HeaderSize", path)
    if header_size == 0:
        return first
    if header_size == -1 and n_bytes is not None:
        return max(data_path.stat().st_size - n_bytes, first)
    if header_size < first:
        raise refusal(SOUND_HEADER, str(header_size), path.name, expected=f"a HeaderSize of {first} or more")
    return header_size


def _is_true(value: str) -> bool:
    """Return what MetaIO reads: the first letter decides."""
    return value[:1] in ("T", "t", "1")


def _required(fields: dict[str, str], names: tuple[str, ...], path: Path) -> str:
    for name in names:
        if name in fields:
            return fields[name]
    raise refusal(HAS_GEOMETRY, "none", path.name, expected=f"the header field {names[0]}")


def _affine_lps(fields: dict[str, str], n_axes: int, path: Path) -> Affine:
    """Return the voxel-to-LPS affine (4x4, mm); MetaImage's world is LPS in mm, as ITK writes it."""
    if not 3 <= n_axes <= 4:
        raise refusal(THREE_AXES, str(n_axes), path.name)
    if (unit := fields.get("DistanceUnits", "mm")).lower() != "mm":
        raise refusal(KNOWN_UNIT, shown(unit), path.name, expected="DistanceUnits = mm")
    origin = numbers_of(_required(fields, _ORIGIN_FIELDS, path), n_axes, "Offset", path)
    spacing = numbers_of(_required(fields, ("ElementSpacing",), path), n_axes, "ElementSpacing", path)
    axes = numbers_of(_required(fields, _AXES_FIELDS, path), n_axes * n_axes, "TransformMatrix", path)
    # One row an axis in the file; affine_from takes columns.
    direction = check_unit_axes(axes.reshape(n_axes, n_axes).T[:3, :3], path)
    return check_affine(affine_from(origin[:3].tolist(), direction, check_spacing(spacing[:3], path).tolist()), path)


def _stored_type(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    name = fields.get("ElementType", "")
    n_channels = fields.get("ElementNumberOfChannels", "1")
    if name not in _TYPES or n_channels != "1":
        got = f"{shown(n_channels)} x {shown(name)}"
        raise refusal(ONE_NUMBER_A_VOXEL, got, path.name, expected="one number a voxel of a known type")
    if not _is_true(fields.get("BinaryData", "True")):
        raise refusal(KNOWN_FORMAT, "text (BinaryData = False)", path.name, expected="binary voxels")
    is_big_endian = _is_true(next((fields[name] for name in _MSB_FIELDS if name in fields), "False"))
    return np.dtype((">" if is_big_endian else "<") + _TYPES[name])
