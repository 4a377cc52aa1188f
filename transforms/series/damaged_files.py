"""Files of a place that cannot be read: refused, unless they are known to be no part of the scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nodulus.transforms.dicom import sop_classes, tags
from nodulus.transforms.dicom.errors import DicomError, InflatesTooFarError, MalformedError, NotDicomError
from nodulus.transforms.gate.place_rules import INFLATES_FAIRLY
from nodulus.transforms.gate.series_rules import COMPLETE_FILES, DAMAGED_OTHERS, SOUND_HEADERS
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.sources.byte_sources import ByteSource


@dataclass(frozen=True)
class DamagedFile:
    """A file, the damage to it, and the error that carries what its header said until there."""

    source: ByteSource
    damage: str
    error: Exception

    @property
    def name(self) -> str:
        """The file, as messages name it."""
        return self.source.name

    def __post_init__(self) -> None:
        # Kept with its traceback an error keeps the archive open that it was raised in.
        self.error.with_traceback(None).__cause__ = self.error.__context__ = None

    def is_no_part_of(self, series_uid: str | None) -> bool:
        """Return whether the file is another kind of object, or of another series than the one asked for."""
        if not self._is_as_stored():
            return False
        sop_class = self._text(tags.SOP_CLASS_UID) or self._text(tags.MEDIA_STORAGE_SOP_CLASS_UID)
        of_other_series = series_uid is not None and self._text(tags.SERIES_INSTANCE_UID) not in ("", series_uid)
        return (
            bool(sop_class and sop_class not in sop_classes.CT)
            or self._text(tags.MODALITY) not in ("", "CT")
            or of_other_series
        )

    def _is_as_stored(self) -> bool:
        """Return whether the file has the checksum that its place keeps: what is cut may still be what it says."""
        try:
            self.source.verify()
        except OSError:
            return False
        return True

    def _text(self, tag: int) -> str:
        values = self.error.values if isinstance(self.error, DicomError) else {}
        return values.get(tag, b"").decode("latin-1").strip("\0 ")


def report_damage(damaged: Sequence[DamagedFile], there_are_slices: bool, series_uid: str | None, gate: Gate) -> None:
    """Refuse damaged files that may be slices; warn of the others."""
    # An empty file among slices is a lost slice; where there are no slices, it is just no scan.
    counting = [file for file in damaged if there_are_slices or not isinstance(file.error, NotDicomError)]
    others = [file for file in counting if there_are_slices and file.is_no_part_of(series_uid)]
    slices = [file for file in counting if file not in others]
    if slices:
        first, names = slices[0], [file.name for file in slices]
        if isinstance(first.error, InflatesTooFarError):
            gate.refuse(INFLATES_FAIRLY, f"a file where {first.damage}", first.name, names)
        if isinstance(first.error, MalformedError):
            gate.refuse(SOUND_HEADERS, f"one where {first.damage}", first.name, names, expected="a sound DICOM file")
        gate.refuse(COMPLETE_FILES, f"one where {first.damage}", first.name, names, expected="a whole DICOM file")
    if others:
        first, names = others[0], [file.name for file in others]
        gate.judge(DAMAGED_OTHERS, f"one where {first.damage}", first.name, names, outcome="set aside")
