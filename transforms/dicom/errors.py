"""What can be wrong with a DICOM file before anything is known of its image."""

from __future__ import annotations


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
