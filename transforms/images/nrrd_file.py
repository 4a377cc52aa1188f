"""NRRD headers (.nrrd, .nhdr): geometry in the space they name, and where the voxels are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nodulus.transforms.geometry import Affine
from nodulus.transforms.problems import ProblemCode, refuse
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
        message = f"Expected a byte skip of 0 or more for compressed voxels, got {n_skipped}"
        raise refuse(ProblemCode.UNREADABLE, f"{message} in {path.name}")
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
                raise refuse(ProblemCode.UNREADABLE, f"Expected a NRRD header, got no end of it in {path.name}")
            name, is_field, value = line.decode("latin-1").partition(": ")
            if line.startswith(b"#") or b":=" in (line if not is_field else name.encode("latin-1")):
                continue  # comments, and keys of the writer's own
            if not is_field:
                raise refuse(ProblemCode.UNREADABLE, f"Expected 'field: value', got {shown(name)} in {path.name}")
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
    raise refuse(ProblemCode.UNREADABLE, f"Expected {n_lines} lines before the voxels, got fewer in {path.name}")


def _size_xyz(fields: dict[str, str], path: Path) -> tuple[int, int, int]:
    sizes = counts_of(fields.get("sizes", ""), "sizes", path)
    if len(sizes) < 3:
        raise refuse(ProblemCode.TOO_FEW_SLICES, f"Expected three axes, got sizes {sizes} in {path.name}")
    if counts_of(fields.get("dimension", ""), "dimension", path) != [len(sizes)]:
        message = f"Expected a dimension of {len(sizes)}, the number of sizes"
        raise refuse(ProblemCode.UNREADABLE, f"{message}, got {shown(fields.get('dimension', ''))} in {path.name}")
    kinds = fields["kinds"].lower().split() if "kinds" in fields else ["domain"] * len(sizes)
    if len(kinds) != len(sizes):
        raise refuse(
            ProblemCode.UNREADABLE, f"Expected {len(sizes)} kinds, one an axis, got {len(kinds)} in {path.name}"
        )
    if kinds[0] not in ("domain", "space", "???", "none"):
        raise refuse(
            ProblemCode.NOT_HOUNSFIELD,
            f"Expected one number a voxel, got a first axis of {shown(kinds[0])} in {path.name}",
        )
    return one_volume(sizes, path)


def _affine_lps(fields: dict[str, str], path: Path) -> Affine:
    """Return the voxel-to-LPS affine (4x4, mm) of the space that the header names."""
    space = fields.get("space", "")
    if space.lower() not in _LPS_SIGNS:
        message = f"Expected the space LPS, RAS or LAS, got {shown(space)}"
        raise refuse(ProblemCode.NO_GEOMETRY, f"{message} in {path.name}")
    units = set(fields.get("space units", '"mm"').replace('"', " ").split())
    if not units <= {"mm", "millimeter", "millimeters", "???"}:
        raise refuse(
            ProblemCode.NO_GEOMETRY, f"Expected space units of mm, got {shown(fields['space units'])} in {path.name}"
        )
    for name in ("space directions", "space origin"):
        if name not in fields:
            raise refuse(ProblemCode.NO_GEOMETRY, f"Expected the header field {name!r}, got none in {path.name}")
    # The first three axes are those of space; further ones have no direction.
    vectors = re.sub(r"(\s+none)+$", "", fields["space directions"])
    affine = np.eye(4)
    affine[:3, :3] = numbers_of(vectors, 9, "space directions", path).reshape(3, 3).T
    affine[:3, 3] = numbers_of(fields["space origin"], 3, "space origin", path)
    return check_affine(np.diag([*_LPS_SIGNS[space.lower()], 1.0]) @ affine, path)


def _is_compressed(fields: dict[str, str], path: Path) -> bool:
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise refuse(ProblemCode.UNREADABLE, f"Expected raw or gzip voxels, got {shown(encoding)} in {path.name}")
    return encoding != "raw"


def _stored_type(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    name = fields.get("type", "none").lower()
    if name not in _TYPE_OF_NAME:
        raise refuse(ProblemCode.NOT_HOUNSFIELD, f"Expected voxels of a known type, got {shown(name)} in {path.name}")
    code = _TYPE_OF_NAME[name]
    endian = fields.get("endian", "").lower()
    if endian not in _ORDERS and not code.endswith("1"):
        raise refuse(ProblemCode.UNREADABLE, f"Expected endian little or big, got {shown(endian)} in {path.name}")
    return np.dtype(_ORDERS.get(endian, "|") + code)
