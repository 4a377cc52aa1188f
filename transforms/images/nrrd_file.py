"""NRRD headers (.nrrd, .nhdr): geometry in the space they name, and where the voxels are."""

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
from nodulus.transforms.geometry import Affine
from nodulus.transforms.sources.deflate_reader import DeflateReader
from nodulus.transforms.sources.signatures import NRRD_MAGIC

from .geometry_checks import check_affine, one_volume
from .stored_image import StoredImage, StoredVoxels, bytes_of
from .text_header import MAX_HEADER_BYTES, add_field, counts_of, data_file_beside, numbers_of, shown, skip_of

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "int64", "int64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPE_OF_NAME = {name: code for code, names in _TYPES.items() for name in names}

_ORDERS = {"little": "<", "big": ">"}
_SYNONYMS = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}

_LPS_SIGNS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}


def is_nrrd(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is a NRRD."""
    return start.startswith(NRRD_MAGIC)


def read_nrrd(path: Path) -> StoredImage:
    """Return the image of a .nrrd file, or of a .nhdr header whose voxels stand in a file beside it."""
    fields, header_bytes = _read_fields(path)
    stored_type = _stored_type(fields, path)
    size_xyz = _size_xyz(fields, path)
    affine_lps = _affine_lps(fields, path)
    data_path = data_file_beside(path, fields["data file"]) if "data file" in fields else path
    is_compressed = _is_compressed(fields, path)
    start = _after_lines(fields, header_bytes if data_path == path else 0, data_path, path)
    n_skipped = skip_of(fields.get("byte skip", "0"), "byte skip", path)
    if n_skipped == -1 and not is_compressed:
        n_skipped = max(data_path.stat().st_size - bytes_of(size_xyz, stored_type) - start, 0)
    if n_skipped < 0:
        expected = "a byte skip of 0 or more for compressed voxels"
        raise refusal(SOUND_HEADER, str(n_skipped), path.name, expected=expected)
    voxels = StoredVoxels(
        path=data_path,
        # Of compressed voxels the bytes are skipped once they are inflated, the lines before.
        offset=n_skipped if is_compressed else start + n_skipped,
        stored_type=stored_type,
        size_xyz=size_xyz,
        stream=DeflateReader(data_path, start) if is_compressed else None,
    )
    return StoredImage("nrrd", voxels, affine_lps)


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's fields, names in lower case, and its length in bytes; an empty line closes it."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        file.readline(MAX_HEADER_BYTES)
        while (line := file.readline(MAX_HEADER_BYTES)).strip():
            if file.tell() > MAX_HEADER_BYTES:
                raise refusal(SOUND_HEADER, "no end of it", path.name, expected="a NRRD header")
            name, is_field, value = line.decode("latin-1").partition(": ")
            if line.startswith(b"#") or b":=" in (line if not is_field else name.encode("latin-1")):
                continue  # comments, and keys of the writer's own
            if not is_field:
                raise refusal(SOUND_HEADER, shown(name), path.name, expected="'field: value'")
            name = name.strip().lower()
            add_field(fields, _SYNONYMS.get(name, name), value.strip(), path)
        return fields, file.tell()


def _after_lines(fields: dict[str, str], start: int, data_path: Path, path: Path) -> int:
    """Return the byte after the lines that the header says to skip."""
    n_lines = skip_of(fields.get("line skip", "0"), "line skip", path)
    if n_lines == 0:
        return start
    with data_path.open("rb") as file:
        file.seek(start)
        for _ in range(n_lines):
            if not file.readline(MAX_HEADER_BYTES).endswith(b"\n"):
                break
        else:
            if n_lines > 0:
                return file.tell()
    raise refusal(SOUND_HEADER, "fewer", path.name, expected=f"{n_lines} lines before the voxels")


def _size_xyz(fields: dict[str, str], path: Path) -> tuple[int, int, int]:
    sizes = counts_of(fields.get("sizes", ""), "sizes", path)
    if len(sizes) < 3:
        raise refusal(THREE_AXES, f"sizes {sizes}", path.name)
    if counts_of(fields.get("dimension", ""), "dimension", path) != [len(sizes)]:
        expected = f"a dimension of {len(sizes)}, the number of sizes"
        raise refusal(SOUND_HEADER, shown(fields.get("dimension", "")), path.name, expected=expected)
    kinds = fields["kinds"].lower().split() if "kinds" in fields else ["domain"] * len(sizes)
    if len(kinds) != len(sizes):
        raise refusal(SOUND_HEADER, str(len(kinds)), path.name, expected=f"{len(sizes)} kinds, one an axis")
    if kinds[0] not in ("domain", "space", "???", "none"):
        got = f"a first axis of {shown(kinds[0])}"
        raise refusal(ONE_NUMBER_A_VOXEL, got, path.name, expected="one number a voxel")
    return one_volume(sizes, path)


def _affine_lps(fields: dict[str, str], path: Path) -> Affine:
    """Return the voxel-to-LPS affine (4x4, mm) of the space that the header names."""
    space = fields.get("space", "")
    if space.lower() not in _LPS_SIGNS:
        raise refusal(HAS_GEOMETRY, shown(space), path.name, expected="the space LPS, RAS or LAS")
    units = set(fields.get("space units", '"mm"').replace('"', " ").split())
    if not units <= {"mm", "millimeter", "millimeters", "???"}:
        raise refusal(KNOWN_UNIT, shown(fields["space units"]), path.name, expected="space units of mm")
    for name in ("space directions", "space origin"):
        if name not in fields:
            raise refusal(HAS_GEOMETRY, "none", path.name, expected=f"the header field {name!r}")
    # The first three axes are those of space; further ones have no direction.
    vectors = re.sub(r"(\s+none)+$", "", fields["space directions"])
    affine = np.eye(4)
    affine[:3, :3] = numbers_of(vectors, 9, "space directions", path).reshape(3, 3).T
    affine[:3, 3] = numbers_of(fields["space origin"], 3, "space origin", path)
    return check_affine(np.diag([*_LPS_SIGNS[space.lower()], 1.0]) @ affine, path)


def _is_compressed(fields: dict[str, str], path: Path) -> bool:
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise refusal(KNOWN_FORMAT, shown(encoding), path.name, expected="raw or gzip voxels")
    return encoding != "raw"


def _stored_type(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    name = fields.get("type", "none").lower()
    if name not in _TYPE_OF_NAME:
        raise refusal(ONE_NUMBER_A_VOXEL, shown(name), path.name, expected="voxels of a known type")
    code = _TYPE_OF_NAME[name]
    endian = fields.get("endian", "").lower()
    if endian not in _ORDERS and not code.endswith("1"):
        raise refusal(SOUND_HEADER, shown(endian), path.name, expected="endian little or big")
    return np.dtype(_ORDERS.get(endian, "|") + code)
