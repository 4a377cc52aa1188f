"""What a DICOM data set says under a keyword, checked: what is missing or malformed is told in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from nodulus.transforms.dicom.errors import pydicom_errors
from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .nodule import is_length, shown

_WORDS = {1: "a number", 2: "two numbers", 3: "three numbers", 6: "six numbers"}


@contextmanager
def pydicom_at_work(problem: str) -> Iterator[None]:
    """Turn what pydicom raises into a UsageError; nothing of ours runs inside, whose bugs would be hidden."""
    try:
        yield
    except pydicom_errors() as error:
        raise UsageError(problem) from error


@contextmanager
def pixels_at_work(problem: str) -> Iterator[None]:
    """As `pydicom_at_work`, where pydicom and its decoders unpack pixels."""
    try:
        with pydicom_at_work(problem):
            yield
    except RuntimeError as error:  # what every decoder of pydicom's raises where none of them can
        raise UsageError(problem) from error


def text(dataset: Dataset, keyword: str) -> str:
    """Return a value as text without its padding, empty where it is absent; several values stand behind backslashes.

    Raises:
        UsageError: it is damaged, or a sequence.
    """
    value = _value(dataset, keyword)
    if isinstance(value, Sequence):
        raise UsageError(f"expected {keyword} as text, got a sequence")
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ")
    values = value if isinstance(value, MultiValue | list) else [value]
    with pydicom_at_work(f"expected {keyword} as text, got a damaged one"):  # names are decoded when they are shown
        return "\\".join("" if one is None else str(one) for one in values).strip()


def uid(dataset: Dataset, keyword: str) -> str | None:
    """Return a UID, None where it is absent."""
    return text(dataset, keyword) or None


def needed_uid(dataset: Dataset, keyword: str) -> str:
    """Return a UID that must be there."""
    if (value := uid(dataset, keyword)) is None:
        raise UsageError(f"expected {keyword}, got none")
    return value


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, none where it is absent.

    Raises:
        UsageError: it is damaged, or no sequence.
    """
    value = _value(dataset, keyword)
    if _is_empty(value):
        return []
    if not isinstance(value, Sequence):
        raise UsageError(f"expected {keyword} as a sequence, got {_told(value)}")
    return list(value)


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """Return the first item of a sequence, None where there is none."""
    return next(iter(items(dataset, keyword)), None)


def needed_items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence that must have some."""
    if not (found := items(dataset, keyword)):
        raise UsageError(f"expected {keyword}, got none")
    return found


def numbers(dataset: Dataset, keyword: str, n_expected: int) -> Points:
    """Return so many finite numbers (n,)."""
    found = all_numbers(dataset, keyword)
    if len(found) != n_expected:
        got = f"{len(found)} numbers" if len(found) else "none"
        raise UsageError(f"expected {keyword} of {_WORDS.get(n_expected, f'{n_expected} numbers')}, got {got}")
    return found


def number(dataset: Dataset, keyword: str) -> float:
    """Return one finite number."""
    return float(numbers(dataset, keyword, 1)[0])


def all_numbers(dataset: Dataset, keyword: str, most: int | None = None) -> Points:
    """Return all numbers of an element (n,), finite and of a size that lengths in mm have; none where it is absent."""
    value = _value(dataset, keyword)
    if _is_empty(value):
        return np.zeros(0)
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    if most is not None and len(values) > most:
        raise UsageError(f"expected at most {most} numbers in {keyword}, got {len(values)}")
    if odd := [one for one in values if not is_length(one)]:
        raise UsageError(f"expected finite numbers in {keyword}, got {_told(odd[0])}")
    return np.array(values, dtype=np.float64)


def whole(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """Return a whole number; the default stands for an absent one, where there is a default."""
    value = _value(dataset, keyword)
    if default is not None and _is_empty(value):
        return default
    if not isinstance(value, int | float) or not is_length(value) or value != int(value):
        raise UsageError(f"expected {keyword} of a whole number, got {_told(value)}")
    return int(value)


def stored_length(dataset: Dataset, keyword: str) -> int:
    """Return how many bytes a value takes in the file, without parsing it; 0 where it is absent or was parsed."""
    with pydicom_at_work(f"expected a readable {keyword}, got a damaged one"):
        element = dataset.get_item(keyword) if keyword in dataset else None
    length = getattr(element, "length", 0)
    return length if isinstance(length, int) else 0


def _value(dataset: Dataset, keyword: str) -> object:
    with pydicom_at_work(f"expected a readable {keyword}, got a damaged one"):
        return dataset.get(keyword)


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | bytes | Sequence | MultiValue | list) and len(value) == 0)


def _told(value: object) -> str:
    if _is_empty(value):
        return "none"
    if isinstance(value, Sequence):
        return "a sequence"
    if isinstance(value, MultiValue | list):
        return f"{len(value)} values"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return shown(str(value)) if isinstance(value, str | int | float) else "a value of another kind"
