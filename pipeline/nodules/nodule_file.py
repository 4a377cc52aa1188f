"""The file that a nodule source is read from: a plain one of bounded size, or said in a line what it is instead."""

from __future__ import annotations

import stat
from pathlib import Path

from nodulus.transforms.problems import UsageError

# LUNA16's annotations take 0.2 MB; 100 000 nodules, some 16 MB.
MAX_TABLE_BYTES = 1 << 24
# Fractional segmentations of 512 x 512 x 1000 voxels take 256 MB; their pixels are in memory while they are read.
MAX_OBJECT_BYTES = 1 << 29
_START_BYTES = 1024

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
_STARTS = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls): save it as CSV",
    b"\x1f\x8b": "a gzip file that holds no NIfTI image: unpack it",
    b"BZh": "a bzip2 archive: unpack it",
    b"\xfd7zXZ\0": "an xz archive: unpack it",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!": "a RAR archive: unpack it",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89HDF": "an HDF5 file",
    b"PK\x05\x06": "an empty zip archive",
}
# What was downloaded in the place of a file: texts by how they begin.
_TEXTS = {
    "<!doctype html": "an HTML page: of an error or a login perhaps, in the place of the file",
    "<html": "an HTML page: of an error or a login perhaps, in the place of the file",
    "<?xml": "an XML file",
    "version https://git-lfs": "a pointer of Git LFS in the place of the file: git lfs pull",
}
_SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers")


def is_dicom(start: bytes, path: Path) -> bool:
    """Return whether a file that starts with these bytes is DICOM; without a preamble its name must say so."""
    return start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def read_start(path: Path) -> bytes:
    """Return the first bytes of a plain file.

    Raises:
        UsageError: it is a folder, a pipe, a device, missing or not readable.
    """
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        what = "a link to a folder" if path.is_symlink() else "a folder"
        raise UsageError(f"Expected a file of nodules, got {what}: {path} (name the file in it)")
    if not stat.S_ISREG(mode):
        raise UsageError(f"Expected a file of nodules, got {_KINDS.get(stat.S_IFMT(mode), 'no file')}: {path}")
    try:
        with path.open("rb") as file:
            return file.read(_START_BYTES)
    except OSError as error:
        raise UsageError(f"Expected a file of nodules, got {error.strerror or error}: {path}") from error


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError as error:
        raise UsageError(f"Expected a file of nodules, got {error.strerror or error}: {path}") from error
    except ValueError as error:  # a zero byte, or half a surrogate pair
        raise UsageError(f"Expected a file of nodules, got a path that no file can have: {str(path)!r}") from error


def read_bounded(path: Path, most: int) -> bytes:
    """Return all bytes of a plain file that has at most so many.

    Raises:
        UsageError: it has more, or cannot be read.
    """
    read_start(path)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"expected a readable file, got {error.strerror or error} at {path}") from error
    if len(content) > most:
        raise UsageError(f"{path.name}: expected at most {most >> 20} MiB of nodules, got {path.stat().st_size} bytes")
    return content


def known_other_kind(start: bytes, path: Path) -> str | None:
    """Return what a file is that starts with these bytes and holds no nodules, with the way out, or None."""
    suffix = path.suffix.lower()
    if start.startswith(b"PK\x03\x04"):
        if suffix in _SPREADSHEETS or b"xl/" in start or b"[Content_Types].xml" in start:
            return f"a spreadsheet ({suffix or '.xlsx'}): save it as CSV"
        return "a zip archive: unpack it and name the file in it"
    if start[257:262] == b"ustar":
        return "a tar archive: unpack it and name the file in it"
    if (binary := next((what for magic, what in _STARTS.items() if start.startswith(magic)), None)) is not None:
        return binary
    plain = start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()  # UTF-16 has zeros between letters
    return next((what for words, what in _TEXTS.items() if plain.startswith(words.encode())), None)
