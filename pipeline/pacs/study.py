"""What of a study is scored, and where its nodules are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from nodulus.pipeline.nodules.study_marks import MARKS, the_marks
from nodulus.pipeline.writers.earlier_report import latest_report, report_of_ours
from nodulus.transforms.problems import UsageError

from .archive import Archive
from .fetch import fetch_series

# What a user gives where a study does not tell which nodules are meant.
_OR_GIVE = "--nodules FILE"


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
    looked_at = MARKS if nodules is None else ("SR",)  # an earlier report of ours may be there anyway
    for series in listed:
        if series.get("Modality") in looked_at:
            place = folder / str(series.SeriesInstanceUID)
            objects += fetch_series(archive, study_uid, str(series.SeriesInstanceUID), place)
    ours = {path: report for path in objects if (report := report_of_ours(path, scan_uid)) is not None}
    latest = latest_report(list(ours.values()))
    earlier = next((path for path, report in ours.items() if report is latest), None)
    marks = nodules or the_marks([path for path in objects if path not in ours], scan, scan_uid, _OR_GIVE)
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
