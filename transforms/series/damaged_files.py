"""Files of a place that cannot be read: refused, unless they are known to be no part of the scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nodulus.transforms.dicom import sop_classes, tags
from nodulus.transforms.dicom.errors import DicomError, MalformedError, NotDicomError
from nodulus.transforms.gate.series_rules import COMPLETE_FILES, DAMAGED_OTHERS, SOUND_HEADERS
from nodulus.transforms.gate.verdict import Gate


@dataclass(frozen=True)
class DamagedFile:
    """A file, what is wrong with it, and the error that carries what its header said until there."""

    name: str
    what: str
    error: Exception

    def is_no_part_of(self, series_uid: str | None) -> bool:
        """Return whether the file is another kind of object, or of another series than the one asked for."""
        sop_class = self._text(tags.SOP_CLASS_UID) or self._text(tags.MEDIA_STORAGE_SOP_CLASS_UID)
        of_other_series = series_uid is not None and self._text(tags.SERIES_INSTANCE_UID) not in ("", series_uid)
        return (
            bool(sop_class and sop_class not in sop_classes.CT)
            or self._text(tags.MODALITY) not in ("", "CT")
            or of_other_series
        )

    def _text(self, tag: int) -> str:
        values = self.error.values if isinstance(self.error, DicomError) else {}
        return values.get(tag, b"").decode("latin-1").strip("\0 ")


def report_damage(damaged: Sequence[DamagedFile], there_are_slices: bool, series_uid: str | None, gate: Gate) -> None:
    """Refuse damaged files that may be slices; warn of the others."""
    # An empty file among slices is a lost slice; where there are no slices, it is just no scan.
    counting = [one for one in damaged if there_are_slices or not isinstance(one.error, NotDicomError)]
    others = [one for one in counting if there_are_slices and one.is_no_part_of(series_uid)]
    slices = [one for one in counting if one not in others]
    if slices:
        first = slices[0]
        rule = SOUND_HEADERS if isinstance(first.error, MalformedError) else COMPLETE_FILES
        expected = "a sound" if rule is SOUND_HEADERS else "a whole"
        message = f"Expected {expected} DICOM file, got one where {first.what}: {first.name}"
        gate.broken(rule, message, [one.name for one in slices])
    if others:
        message = f"Expected whole files beside the scan, got one where {others[0].what}: {others[0].name}, set aside"
        gate.broken(DAMAGED_OTHERS, message, [one.name for one in others])
