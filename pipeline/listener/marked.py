"""The nodules of a scan: those that the study's own objects mark, else what a detector finds, or in a word why none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.nodules.sources import NoduleSet, read_nodules
from nodulus.transforms.problems import InputRefusedError, UsageError

from .arrival import Kind

if TYPE_CHECKING:
    from nodulus.pipeline.detection.detector import Detector
    from nodulus.transforms.volume import CTVolume

# Finds the nodules of a scan: its folder, its SeriesInstanceUID, and the study's objects that may mark some (reports of
# our own are not among them). What it returns is by who says so: each gets a report of its own.
NoduleFinder = Callable[[Path, str, Sequence[Path]], Mapping[str, NoduleSet]]
NO_MARKS, SEVERAL_MARKS, NONE_FOUND = "no_marks", "several_marks", "none_found"
# Readers and tools that mark a scan are few; more objects are a mistake, or an attack on the archive.
MOST_OBJECTS = 8
_DETECTED = "detected"


class NoNodulesError(ValueError):
    """Nothing tells where the nodules of a scan are, or too much does; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def marked_nodules(scan: Path, series_uid: str, objects: Sequence[Path]) -> dict[str, NoduleSet]:
    """Return the nodules that objects mark in a scan, by the name of each object that marks some.

    Raises:
        NoNodulesError: none does, or too many do.
    """
    found = {}
    for path in objects:
        try:
            found[path.name.removesuffix(Kind.MARKS.value)] = read_nodules(path, scan=scan, series_uid=series_uid)
        except (UsageError, InputRefusedError):
            continue
    if not found:
        raise NoNodulesError(NO_MARKS)
    if len(found) > MOST_OBJECTS:
        raise NoNodulesError(SEVERAL_MARKS)
    return found


@dataclass(frozen=True)
class MarkedOrDetected:
    """Asks a detector where no object marks a nodule.

    Args:
        detector: it is loaded.
        min_score: of the boxes that are taken.
        open_scan: opens a scan, or raises ``InputRefusedError``.
    """

    detector: Detector
    min_score: float
    open_scan: Callable[[Path], CTVolume]

    def __call__(self, scan: Path, series_uid: str, objects: Sequence[Path]) -> Mapping[str, NoduleSet]:
        """Return the nodules of a scan, see ``NoduleFinder``.

        Raises:
            NoNodulesError: too many objects mark some, or the detector finds none.
            InputRefusedError: the scan cannot be used.
        """
        try:
            return marked_nodules(scan, series_uid, objects)
        except NoNodulesError as error:
            if error.code != NO_MARKS:
                raise
        found = self.detector.find(self.open_scan(scan), min_score=self.min_score)
        if not found.nodules:
            raise NoNodulesError(NONE_FOUND)
        return {_DETECTED: found.source}
