"""What can be wrong with a DICOM file before anything is known of its image."""

from __future__ import annotations

import struct
import zlib


def pydicom_errors() -> tuple[type[Exception], ...]:
    """Return what pydicom raises on damaged elements and sequences; met by changing their bytes at random.

    To be caught around calls of pydicom alone, since a bug of ours raises the same kinds: it parses elements when they
    are first asked for, nested sequences by recursion. Python asks for what an ``except`` names once something was
    raised, so that pydicom is not loaded for this.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        ArithmeticError,
        AttributeError,
        BytesLengthException,
        EOFError,
        InvalidDicomError,
        LookupError,
        NotImplementedError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    )


class DicomError(ValueError):
    """A file that cannot be read as DICOM; ``values`` are the elements that were found before that showed."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.values: dict[int, bytes] = {}


class NotDicomError(DicomError):
    """The file does not begin as DICOM does."""


class CutShortError(DicomError):
    """The file ends before its header does."""


class MalformedError(DicomError):
    """The header makes no sense."""


class InflatesTooFarError(MalformedError):
    """The dataset inflates to more than a file of its length can hold in earnest."""
