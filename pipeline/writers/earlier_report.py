"""A report that was written before: what a new one names when it takes its place."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from nodulus.pipeline.nodules.dicom_fields import items, needed_uid, pydicom_at_work, text, whole
from nodulus.pipeline.nodules.nodule_file import MAX_OBJECT_BYTES, read_bounded
from nodulus.pipeline.nodules.sr_content import ct_series_of_evidence
from nodulus.transforms.problems import UsageError

# Who made our objects, as they say themselves.
MANUFACTURER = "nodulus"


def read_report(path: Path) -> Dataset:
    """Return a report of the kind that we write.

    Raises:
        UsageError: the file is none.
    """
    content = read_bounded(path, MAX_OBJECT_BYTES)
    with pydicom_at_work(f"Expected a report (DICOM SR), got something else in {path}"):
        report = dcmread(io.BytesIO(content))
    if text(report, "SOPClassUID") != Comprehensive3DSRStorage:
        raise UsageError(
            f"Expected a Comprehensive 3D SR, got an object of class {text(report, 'SOPClassUID')} in {path}"
        )
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        needed_uid(report, keyword)
    return report


def report_of_ours(path: Path, scan_uid: str) -> Dataset | None:
    """Return a report that we wrote on a series, None for any other object."""
    try:
        report = read_report(path)
        is_ours = report.get("Manufacturer") == MANUFACTURER and ct_series_of_evidence(report) == scan_uid
    except UsageError:
        return None
    return report if is_ours else None


def latest_report(reports: Sequence[Dataset]) -> Dataset | None:
    """Return the report that was made last, None where there is none."""
    return max(reports, key=_made, default=None)


def report_before(report: Dataset) -> Dataset | None:
    """Return the report that another names as its predecessor, as far as it says; None where it names none."""
    for study in items(report, "PredecessorDocumentsSequence"):
        for series in items(study, "ReferencedSeriesSequence"):
            for named in items(series, "ReferencedSOPSequence"):
                before = Dataset()
                before.StudyInstanceUID = needed_uid(study, "StudyInstanceUID")
                before.SeriesInstanceUID = needed_uid(series, "SeriesInstanceUID")
                before.SOPClassUID = needed_uid(named, "ReferencedSOPClassUID")
                before.SOPInstanceUID = needed_uid(named, "ReferencedSOPInstanceUID")
                before.InstanceNumber = whole(report, "InstanceNumber", 2) - 1
                return before
    return None


def _made(report: Dataset) -> tuple[str, str, int]:
    return str(report.get("ContentDate")), str(report.get("ContentTime")), int(report.get("InstanceNumber") or 0)
