"""The DICOM series that a case was read from: what an object about it refers to, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from nodulus.transforms.problems import ProblemCode, refuse
from nodulus.transforms.volume import CTVolume, SourceImage

from .patient_and_study import patient_and_study
from .scored_case import ScoredCase


@dataclass(frozen=True, eq=False)
class DicomOrigin:
    """A series, its images in the order of the scan's slices, and the elements of its patient and study."""

    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    slices: tuple[SourceImage, ...]
    patient: Dataset

    def evidence(self) -> list[Dataset]:
        """Return a stub of each file of the series, with what a reference to it needs."""
        files = dict.fromkeys((image.sop_class_uid, image.sop_instance_uid) for image in self.slices)
        return [self._stub(*file) for file in files]

    def _stub(self, sop_class_uid: str, sop_instance_uid: str) -> Dataset:
        stub = Dataset()
        stub.update(self.patient)
        stub.StudyInstanceUID, stub.SeriesInstanceUID = self.study_uid, self.series_uid
        stub.SOPClassUID, stub.SOPInstanceUID = sop_class_uid, sop_instance_uid
        return stub


def reported_origin(scored: ScoredCase, volume: CTVolume) -> DicomOrigin:
    """Return the series of a case that there is something to report of.

    Raises:
        InputRefusedError: ``bad_nodule``, when there is no nodule (TID 1500 knows no report of nothing); ``not_dicom``,
            when the scan was no DICOM, or cannot be referred to.
    """
    if not scored.result.nodules:
        raise refuse(ProblemCode.BAD_NODULE, "Expected at least one nodule to report, got none")
    return origin_of(volume)


def origin_of(volume: CTVolume) -> DicomOrigin:
    """Return the series that a scan was read from.

    Raises:
        InputRefusedError: ``not_dicom``, when it was no DICOM, or its UIDs are none that can be referred to.
    """
    if volume.read_header is None:
        raise refuse(ProblemCode.NOT_DICOM, "Expected a DICOM scan to refer to, got one of another format")
    study_uid, series_uid = (str(volume.attributes.get(f"{what}_uid", "")) for what in ("study", "series"))
    _check("StudyInstanceUID", study_uid)
    _check("SeriesInstanceUID", series_uid)
    for image in volume.slices:
        _check("SOPInstanceUID", image.sop_instance_uid)
    frame_uid = str(volume.attributes.get("frame_of_reference_uid", ""))
    patient = patient_and_study(volume.read_header(0))
    return DicomOrigin(study_uid, series_uid, frame_uid, volume.slices, patient)


def _check(keyword: str, uid: str) -> None:
    if not UID(uid).is_valid:
        raise refuse(ProblemCode.NOT_DICOM, f"Expected a valid {keyword} to refer to, got {uid or 'none'}")
