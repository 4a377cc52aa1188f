"""Zips of a series: damaged bytes, directories, names, sizes, and what is hidden in them."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from random import Random

from tests.support.dicom_series_writer import SeriesSpec, write_slices

from . import damage
from .scans import is_same_scan, other_scan, read_scan
from .subject import Family, Subject, in_file

_NAMES = (
    *(
        "../up.dcm",
        "/root.dcm",
        "C:\\drive.dcm",
        "..\\up.dcm",
        "a/../../b.dcm",
        "a\0b.dcm",
        "",
        " ",
        ".",
        "con.dcm",
        "\x1b[2J",
    ),
    *(
        "x" * 60_000,
        "d/" * 3000 + "x.dcm",
        "inner.zip",
        "__MACOSX/._0000.dcm",
        ".DS_Store",
        "DICOMDIR",
        "\u202egpj.dcm",
    ),
    *("study/series/0001.dcm", "readme.txt", "folder/", "image.nii.gz"),
)


def _subjects(folder: Path) -> list[Subject]:
    series = write_slices(SeriesSpec().slices(), folder / "series")
    subjects = []
    for name, method in (
        ("deflated", zipfile.ZIP_DEFLATED),
        ("stored", zipfile.ZIP_STORED),
        ("lzma", zipfile.ZIP_LZMA),
    ):
        sound, path = _zip(series, method), folder / f"{name}.zip"
        subjects.append(Subject(name, sound, damage.of_bytes, in_file(path, read_scan), is_same_scan, other_scan))
        if name != "lzma":
            ways = (("members", _members), ("directory", _directory))
            subjects += [
                Subject(f"{name} {what}", sound, way, in_file(path, read_scan), is_same_scan, other_scan)
                for what, way in ways
            ]
    return subjects


def _zip(series: Path, method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for file in sorted(series.iterdir()):
            member = zipfile.ZipInfo(f"study/series/{file.name}")  # of a date that is always the same
            archive.writestr(member, file.read_bytes(), method)
    return content.getvalue()


def _directory(data: bytes, chance: Random) -> bytes:
    """Return an archive whose directory or end record is damaged."""
    return damage.of_bytes(data, chance, (data.index(b"PK\x01\x02"), len(data)))


def _members(data: bytes, chance: Random) -> bytes:
    """Return an archive with members added: bad names, bombs, archives, links, copies, encrypted ones."""
    content = io.BytesIO(data)
    with warnings.catch_warnings(), zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for _ in range(chance.choice((1, 1, 3))):
            member = zipfile.ZipInfo(chance.choice(_NAMES) or "x")
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = chance.choice((0, 0, 0o120777 << 16, 0o40755 << 16, 0o10644 << 16))
            archive.writestr(member, _content(data, chance))
    changed = bytearray(content.getvalue())
    if chance.random() < 0.3:  # a size, a length or a flag that lies
        at = changed.rindex(b"PK\x01\x02") + chance.choice((8, 10, 16, 20, 24, 28, 42))
        changed[at : at + 4] = chance.choice(damage.BYTES)[:4].ljust(4, b"\0")
    return bytes(changed)


def _content(data: bytes, chance: Random) -> bytes:
    how = chance.randrange(6)
    if how == 0:
        return bytes(chance.choice((1 << 16, 1 << 22, 1 << 26)))
    return (data, b"", b"text", bytes(128) + b"DICM", damage.of_bytes(data[:2000], chance))[how - 1]


ARCHIVES = Family("zip archives", 120, _subjects)
