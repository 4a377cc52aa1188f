"""Which cases a command line asks to score: a table of many, or one scan with its nodules, a point or a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.nodules.nodule import Nodule, nodule_from_mapping
from nodulus.pipeline.nodules.sources import NoduleSet
from nodulus.pipeline.scoring.cases import Case, is_cases_table, read_cases
from nodulus.pipeline.scoring.remote_scan import check_fetchable
from nodulus.transforms.geometry import Frame, Triple, swap_lps_ras_points
from nodulus.transforms.problems import UsageError

if TYPE_CHECKING:
    from nodulus.pipeline.scoring.open_case import OpenCase, OpenScan, ReadOptions

    from .found_nodules import AskedDetector


def asked_cases(
    scan: Path,
    table: Path | None,
    point: str | None,
    diameter: float | None,
    how: ReadOptions,
    detector: AskedDetector | None = None,
) -> Sequence[Case | OpenCase]:
    """Return the cases of a table, or the one of a scan, open.

    Args:
        scan: the scan or the table of many.
        table: where the nodules of the scan are.
        point: "X,Y,Z", the centre of its one nodule instead, mm.
        diameter: of that, mm; None measures it.
        how: how all of it is read.
        detector: finds the nodules of the scan instead.

    Raises:
        UsageError: what was given does not go together, or is not there.
    """
    if is_cases_table(scan):
        if table is not None or point is not None or diameter is not None or detector is not None:
            msg = (
                f"Expected no --nodules, --point or --detector beside the cases table {scan.name}: it names the nodules"
            )
            raise UsageError(msg)
        if how.patient:
            msg = f"Expected no --patient beside the cases table {scan.name}: its columns tell of each patient"
            raise UsageError(msg)
        cases = read_cases(scan, frame=how.frame, min_score=how.min_score)
        check_fetchable(case.input for case in cases)
        return cases
    if not scan.exists():
        msg = f"Expected a scan or a cases table, got a path that does not exist: {scan}"
        raise UsageError(msg)
    if [table, point, detector].count(None) != 2:
        msg = (
            "Expected one of --nodules FILE, --point X,Y,Z (if known with --diameter MM) and --detector BUNDLE, to say"
            " where the nodules are (where to get a FILE: docs/how-to/from-a-scan-to-nodules.md)"
        )
        raise UsageError(msg)
    if point is None and diameter is not None:
        msg = "Expected no --diameter beside --nodules or --detector: they state each nodule's own"
        raise UsageError(msg)
    if detector is not None and how.frame is not None:
        msg = f"Expected no --frame {how.frame} beside --detector: its bundle states the frame of its boxes"
        raise UsageError(msg)
    from nodulus.pipeline.scoring.open_case import open_case, open_scan

    if table is not None:
        return [open_case(open_scan(scan, how), table, how)]
    if detector is not None:
        opened = open_scan(scan, how)
        found = () if opened.volume is None else detector.find(opened.volume).source
        return [open_case(opened, found, how)]
    center_lps_mm, opened = _point(point or "", how.frame), open_scan(scan, how)
    there, note = _nodules_at(center_lps_mm, diameter, opened)
    notes = (note,) if note else ()
    stated = NoduleSet(there, "point", how.frame or "LPS", "stated" if how.frame else "implied", notes)
    return [open_case(opened, stated, replace(how, frame=None))]


def _point(point: str, frame: Frame | None) -> Triple:
    try:
        x, y, z = (float(part) for part in point.split(","))
    except ValueError as error:
        msg = f"Expected --point X,Y,Z, three numbers in mm, got '{point}'"
        raise UsageError(msg) from error
    x, y, z = swap_lps_ras_points([x, y, z]).tolist() if frame == "RAS" else (x, y, z)
    return x, y, z


def _nodules_at(center_lps_mm: Triple, diameter: float | None, opened: OpenScan) -> tuple[tuple[Nodule, ...], str]:
    """Return the nodule at a point, and a note where its diameter was measured; of a refused scan nothing is."""
    if diameter is not None:
        stated = {"nodule_id": "1", "center_lps_mm": center_lps_mm, "diameter_mm": diameter}
        return (nodule_from_mapping(stated),), ""
    if opened.volume is None:
        return (), ""
    from nodulus.pipeline.scoring.point_alone import nodule_at

    nodule = nodule_at(opened.volume, center_lps_mm)
    return (nodule,), f"diameter of {nodule.diameter_mm:.1f} mm measured at the point"
