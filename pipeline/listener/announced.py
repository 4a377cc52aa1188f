"""How many images a sender says that there are, in the images themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.tags import ACQUISITION_NUMBER, SERIES_INSTANCE_UID
from nodulus.transforms.sources.byte_sources import FileSource

# PS3.3 C.7.6.1 and PS3.4 C.3.4. NumberOfStudyRelatedInstances is left out: it counts objects that are not taken, too.
_IMAGES_IN_ACQUISITION, _SERIES_RELATED_INSTANCES = 0x00201002, 0x00201209
_WANTED = (SERIES_INSTANCE_UID, ACQUISITION_NUMBER, _IMAGES_IN_ACQUISITION, _SERIES_RELATED_INSTANCES)
# A whole-body scan has some thousands.
_MOST = 100_000


@dataclass(frozen=True)
class Told:
    """What an image says: its series and acquisition, and how many images these have; 0 where it is silent."""

    series_uid: str
    acquisition: str
    of_series: int
    of_acquisition: int


def read_told(path: Path) -> Told:
    """Return what an image says; nothing, where it cannot be read: the gate tells of that."""
    try:
        values = read_elements(FileSource(path, path.name, path.stat().st_size), _WANTED).values
    except (DicomError, OSError):
        values = {}
    series, acquisition, of_acquisition, of_series = (_text(values.get(tag, b"")) for tag in _WANTED)
    return Told(series, acquisition, _count(of_series), _count(of_acquisition))


def is_short(series: Sequence[Told], study: Iterable[Told]) -> bool:
    """Return whether more images are announced of a series than have come.

    Args:
        series: its images.
        study: all images of its study: an acquisition may have given several series.
    """
    in_acquisition = Counter(image.acquisition for image in study)
    return any(
        image.of_series > len(series) or image.of_acquisition > in_acquisition[image.acquisition] for image in series
    )


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip("\0 ")


def _count(text: str) -> int:
    """Return a count, 0 for what is none: a whole number from 1 on."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) else 0
    return value if value <= _MOST else 0
