"""What a scan is, whether the series gate takes it, and where its nodules are looked for."""

from __future__ import annotations

from pathlib import Path

from nodulus.transforms.lung_present import lung_warning
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.read_ct import open_ct_cached

from .nodule_sources import check_belongs
from .nodule_views import draw_nodule_views
from .results import Geometry, ProblemRecord, ScanRecord
from .worklist import ReadOptions, case_of_table


def check_scan(path: Path, how: ReadOptions) -> ScanRecord:
    """Return what a scan is: accepted with geometry, attributes and warnings, or refused with its problem.

    Raises:
        UsageError: when the path does not exist.
    """
    try:
        volume = open_ct_cached(path, allow=how.allow, series_uid=how.series_uid)
        no_lung = lung_warning(volume)
    except InputRefusedError as refusal:
        return ScanRecord(input=str(path), status="refused", problem=ProblemRecord.of(refusal.problem))
    warnings = (*volume.warnings, no_lung) if no_lung else volume.warnings
    return ScanRecord(
        input=str(path),
        status="accepted",
        warnings=tuple(ProblemRecord.of(warning) for warning in warnings),
        geometry=Geometry.of(volume.grid),
        attributes=dict(volume.attributes),
    )


def draw_nodules(path: Path, table: Path, output_dir: Path, how: ReadOptions) -> list[Path]:
    """Draw one picture per nodule of a table into a folder; return the pictures' paths."""
    case = case_of_table(path, table, how)
    volume = open_ct_cached(path, allow=how.allow, series_uid=how.series_uid)
    check_belongs(case.nodules, volume)
    return [draw_nodule_views(volume, nodule, output_dir / f"{nodule.nodule_id}.png") for nodule in case.nodules]
