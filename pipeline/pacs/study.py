"""What of a study is scored, and where its nodules are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.nodules.sr_content import ct_series_of_evidence
from nodulus.pipeline.writers.earlier_report import read_report
from nodulus.pipeline.writers.structured_report import MANUFACTURER
from nodulus.transforms.problems import InputRefusedError, UsageError

from .archive import Archive
from .fetch import fetch_series

_MARKS = ("SEG", "SR", "RTSTRUCT")


@dataclass(frozen=True)
class StudyFiles:
    """A fetched study: the folder of its scan, the object that marks nodules in it, and our last report on it."""

    scan: Path
    nodules: Path
    earlier: Path | None


def fetch_study(
    archive: Archive, study_uid: str, series_uid: str | None, nodules: Path | None, folder: Path
) -> StudyFiles:
    """Return the files of a study that are needed to score it, fetched into a folder.

    Args:
        archive: where the study is.
        study_uid: which study.
        series_uid: which CT series of it; None takes the only one.
        nodules: a table of nodules; None takes the object of the study that marks some in the series.
        folder: where what is fetched stays.

    Raises:
        UsageError: which series or which marks are meant is not clear, or there are none.
        ArchiveError: the archive does not give what it lists.
    """
    listed = archive.series_of(study_uid)
    scan_uid = _scan_uid(listed, study_uid, series_uid)
    scan = folder / scan_uid
    fetch_series(archive, study_uid, scan_uid, scan)
    objects: list[Path] = []
    looked_at = _MARKS if nodules is None else ("SR",)  # an earlier report of ours may be there anyway
    for series in listed:
        if series.get("Modality") in looked_at:
            place = folder / str(series.SeriesInstanceUID)
            objects += fetch_series(archive, study_uid, str(series.SeriesInstanceUID), place)
    ours = {path: report for path in objects if (report := _report_of_ours(path, scan_uid)) is not None}
    earlier = max(ours, key=lambda path: _made(ours[path]), default=None)
    marks = nodules or _the_marks([path for path in objects if path not in ours], scan, scan_uid)
    return StudyFiles(scan, marks, earlier)


def _scan_uid(listed: Sequence[Dataset], study_uid: str, wanted: str | None) -> str:
    scans = {str(each.SeriesInstanceUID): each for each in listed if each.get("Modality") == "CT"}
    if wanted is not None and wanted not in scans:
        raise UsageError(f"Expected --series of a CT in study {study_uid}, got {wanted}{_told(scans)}")
    if wanted is None and len(scans) != 1:
        raise UsageError(f"Expected one CT series in study {study_uid}, got {len(scans)}: --series UID{_told(scans)}")
    return wanted or next(iter(scans))


def _told(scans: dict[str, Dataset]) -> str:
    names = [f"{uid} ({each.get('SeriesDescription') or 'no description'})" for uid, each in scans.items()]
    return f"; there are {', '.join(names)}" if names else ""


def _report_of_ours(path: Path, scan_uid: str) -> Dataset | None:
    """Return a report that we wrote on a series, None for any other object."""
    try:
        report = read_report(path)
        is_ours = report.get("Manufacturer") == MANUFACTURER and ct_series_of_evidence(report) == scan_uid
    except UsageError:
        return None
    return report if is_ours else None


def _made(report: Dataset) -> tuple[str, str, int]:
    return str(report.get("ContentDate")), str(report.get("ContentTime")), int(report.get("InstanceNumber") or 0)


def _the_marks(objects: Sequence[Path], scan: Path, scan_uid: str) -> Path:
    """Return the one object that marks nodules in the series."""
    found, reasons = [], []
    for path in objects:
        try:
            read_nodules(path, scan=scan, series_uid=scan_uid)
        except (UsageError, InputRefusedError) as refusal:
            reasons.append(str(refusal))
        else:
            found.append(path)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(path) for path in found)
        raise UsageError(f"Expected one object that marks nodules, got {len(found)}: --nodules FILE, one of {names}")
    told = f" ({'; '.join(reasons)})" if reasons else ""
    raise UsageError(f"Expected nodules marked in the study (SEG, SR, RTSTRUCT) or --nodules FILE, got none{told}")
