"""What a scan is and whether the series gate takes it, as one record."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from nodulus.transforms.lung_present import lung_warning
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.read_ct import open_ct_cached

from .nodule_sources import Frame, check_belongs
from .nodule_views import draw_nodule_views
from .results import Geometry, ProblemRecord
from .worklist import nodules_of_scan, problem_codes


def check_scan(path: Path, allow: Collection[str] = (), series_uid: str | None = None) -> dict[str, Any]:
    """Return the record of a scan: input, status (accepted or refused), problem, warnings, geometry, attributes.

    Raises:
        UsageError: when the path does not exist.
    """
    record: dict[str, Any] = {"input": str(path), "status": "accepted", "problem": None, "warnings": []}
    try:
        volume = open_ct_cached(path, allow=problem_codes(allow), series_uid=series_uid)
        no_lung = lung_warning(volume)
    except InputRefusedError as refusal:
        problem = ProblemRecord.of(refusal.problem).model_dump(mode="json")
        return {**record, "status": "refused", "problem": problem, "geometry": None, "attributes": {}}
    warnings = (*volume.warnings, no_lung) if no_lung else volume.warnings
    return {
        **record,
        "warnings": [ProblemRecord.of(warning).model_dump(mode="json") for warning in warnings],
        "geometry": Geometry.of(volume.grid).model_dump(mode="json"),
        "attributes": dict(volume.attributes),
    }


def draw_nodules(
    path: Path,
    table: Path,
    output_dir: Path,
    allow: Collection[str] = (),
    series_uid: str | None = None,
    frame: Frame | None = None,
) -> list[Path]:
    """Draw one picture per nodule of a table into a folder; return the pictures' paths."""
    volume = open_ct_cached(path, allow=problem_codes(allow), series_uid=series_uid)
    nodules = nodules_of_scan(table, path, frame, allow, series_uid)
    check_belongs(nodules, volume)
    return [draw_nodule_views(volume, nodule, output_dir / f"{nodule.nodule_id}.png") for nodule in nodules]
