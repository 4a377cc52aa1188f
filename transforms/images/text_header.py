"""The text headers of MetaImage and NRRD files: fields by name, numbers by count, and the file of voxels they name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.image_rules import DATA_FILE_BESIDE, HAS_GEOMETRY, ONE_ACCOUNT, SOUND_HEADER, WHOLE_FILE
from nodulus.transforms.gate.verdict import refusal

MAX_HEADER_BYTES = int(SOUND_HEADER["text_at_most"] * 1024)

# Not all that float() and int() take: they read 0_7 as 7.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COUNT = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MAX_SHOWN = 80


def numbers_of(text: str, n_expected: int, field: str, path: Path) -> NDArray[np.float64]:
    """Return the numbers of a header field, finite and as many as expected."""
    words = re.sub(r"[(),]", " ", text).split()
    numbers = np.array([float(word) for word in words if _NUMBER.fullmatch(word)])
    if not len(numbers) == len(words) == n_expected or not np.isfinite(numbers).all():
        raise refusal(HAS_GEOMETRY, shown(text), path.name, expected=f"{n_expected} finite numbers in {field}")
    return numbers


def counts_of(text: str, field: str, path: Path) -> list[int]:
    """Return the whole numbers of a header field."""
    words = text.split()
    if not all(map(_COUNT.fullmatch, words)):
        raise refusal(SOUND_HEADER, shown(text), path.name, expected=f"whole numbers in {field}")
    return [int(word) for word in words]


def skip_of(text: str, field: str, path: Path) -> int:
    """Return how much a header says to skip before the voxels; -1 says that they end the file."""
    counts = counts_of(text, field, path)
    if len(counts) != 1 or counts[0] < -1:
        raise refusal(SOUND_HEADER, shown(text), path.name, expected=f"one number from -1 on in {field}")
    return counts[0]


def add_field(fields: dict[str, str], name: str, value: str, path: Path) -> None:
    """Add a field to those of a header, which says each only once: readers differ in which one they follow."""
    if name in fields:
        raise refusal(ONE_ACCOUNT, f"{shown(name)} twice", path.name, expected="each header field once")
    fields[name] = value


def data_file_beside(header: Path, name: str) -> Path:
    """Return the file of voxels that a header names; it must stand in the header's folder.

    A name with a folder in it may point anywhere on the machine that scores, and is refused; so are lists (LIST) and
    patterns (slice%03d.raw) of files.
    """
    is_plain = Path(name).name == name and "\\" not in name
    if not is_plain or "%" in name or name.split()[:1] in (["LIST"], []):
        raise refusal(DATA_FILE_BESIDE, shown(name), header.name)
    path = header.with_name(name)
    try:
        is_there = path.is_file()
    except OSError as error:
        raise refusal(DATA_FILE_BESIDE, f"{shown(name)} ({error.strerror})", header.name) from error
    if not is_there:
        got = f"no such file beside {header.name}"
        raise refusal(WHOLE_FILE, got, expected=f"the voxels in {shown(name)}")
    return path


def shown(text: str) -> str:
    """Return a text from a header in quotes, as much of it as a message should hold."""
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}...")
