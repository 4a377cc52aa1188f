"""What is in the spool and in the archive afterwards: what is lost, what is doubled, what came when."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread

from tests.support.small_studies import SmallStudy


class ArchiveWatch:
    """Looks what is new in an Orthanc, and notes when it was first seen."""

    def __init__(self, address: str) -> None:
        self._address, self._ended = address, threading.Event()
        self._last = 0
        self.seen: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            found = _json(f"{self._address}/changes?since={self._last}&limit=1000")
            for change in found["Changes"]:
                if change["ChangeType"] == "NewInstance":
                    self.seen.setdefault(change["ID"], time.monotonic())
            self._last = found["Last"]


@dataclass(frozen=True)
class Report:
    """A report in the archive: its study, its UID, its predecessor, how many images it is of, when it was seen."""

    study_uid: str
    sop_uid: str
    before: str | None
    n_images: int
    seen: float


def reports_in(address: str, watch: ArchiveWatch) -> tuple[dict[str, list[Report]], Counter[str]]:
    """Return the reports in an archive by study, and how many pictures each study has."""
    reports: defaultdict[str, list[Report]] = defaultdict(list)
    pictures: Counter[str] = Counter()
    for name, seen in list(watch.seen.items()):
        tags = _json(f"{address}/instances/{name}/tags?simplify")
        if tags["Modality"] == "SR":
            reports[tags["StudyInstanceUID"]].append(_report(tags, seen))
        else:
            pictures[tags["StudyInstanceUID"]] += 1
    return dict(reports), pictures


def last_reports(reports: Iterable[Report]) -> list[Report]:
    """Return those that no other takes the place of."""
    reports = list(reports)
    replaced = {report.before for report in reports}
    return [report for report in reports if report.sop_uid not in replaced]


def lost_and_doubled(
    studies: Iterable[SmallStudy], reports: dict[str, list[Report]], pictures: Counter[str]
) -> tuple[list[int], list[int]]:
    """Return the numbers of the studies without a last report of all their images, and of those with two."""
    lost, doubled = [], []
    for study in studies:
        found = reports.get(study.study_uid, [])
        last = last_reports(found)
        if not any(report.n_images == len(study.images) for report in last):
            lost.append(study.number)
        if len(last) > 1 or pictures[study.study_uid] > len(found):
            doubled.append(study.number)
    return lost, doubled


def objects_in(spool: Path) -> Counter[str]:
    """Return how often each SOPInstanceUID is in a spool."""
    paths = spool.glob("studies/*/*/*.dcm")
    return Counter(
        str(dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for path in paths
    )


def _report(tags: dict[str, Any], seen: float) -> Report:
    before = [
        named["ReferencedSOPInstanceUID"]
        for study in tags.get("PredecessorDocumentsSequence", [])
        for series in study["ReferencedSeriesSequence"]
        for named in series["ReferencedSOPSequence"]
    ]
    images = {
        named["ReferencedSOPInstanceUID"]
        for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in tags.get(keyword, [])
        for series in study["ReferencedSeriesSequence"]
        for named in series["ReferencedSOPSequence"]
    }
    return Report(tags["StudyInstanceUID"], tags["SOPInstanceUID"], next(iter(before), None), len(images), seen)


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())
