"""The text headers of MetaImage and NRRD files: fields by name, numbers by count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .problems import ProblemCode, refuse

MAX_HEADER_BYTES = 1 << 16


def numbers_of(text: str, n_expected: int, field: str, path: Path) -> NDArray[np.float64]:
    """Return the numbers of a header field, finite and as many as expected."""
    try:
        numbers = np.array([float(word) for word in text.replace("(", " ").replace(")", " ").replace(",", " ").split()])
    except ValueError:
        numbers = np.array([])
    if len(numbers) != n_expected or not np.isfinite(numbers).all():
        raise refuse(
            ProblemCode.NO_GEOMETRY, f"Expected {n_expected} finite numbers in {field}, got {text!r} in {path.name}"
        )
    return numbers


def counts_of(text: str, field: str, path: Path) -> list[int]:
    """Return the whole numbers of a header field."""
    try:
        return [int(word) for word in text.split()]
    except ValueError as error:
        raise refuse(
            ProblemCode.UNREADABLE, f"Expected whole numbers in {field}, got {text!r} in {path.name}"
        ) from error


def data_file_beside(header: Path, name: str) -> Path:
    """Return the file of voxels that a header names; it must stand in the header's folder.

    A name with a folder in it may point anywhere on the machine that scores, and is refused.
    """
    if not name or Path(name).name != name or "\\" in name:
        raise refuse(ProblemCode.UNREADABLE, f"Expected one data file beside the header, got {name!r} in {header.name}")
    path = header.with_name(name)
    if not path.is_file():
        raise refuse(ProblemCode.TRUNCATED, f"Expected the voxels in {name}, got no such file beside {header.name}")
    return path
