"""A case whose scan is open and whose nodules are placed in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_problem
from nodulus.pipeline.nodules.sources import check_belongs, read_nodules
from nodulus.transforms.gate.lung import lung_warning
from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct_cached
from nodulus.transforms.volume import CTVolume

from .cases import Case, name_of


@dataclass(frozen=True)
class ReadOptions:
    """How a scan and the nodules in it are read.

    Args:
        frame: LPS or RAS, for a table that does not state its frame.
        allow: problem codes that the series gate may admit.
        series_uid: which series to read where a place holds several.
        min_score: leaves out what a detector was less sure of, 0 to 1.
        case: whose nodules to take out of a table of several cases; by default the scan's own name.
    """

    frame: Frame | None = None
    allow: tuple[ProblemCode, ...] = ()
    series_uid: str | None = None
    min_score: float = 0.0
    case: str | None = None

    def __post_init__(self) -> None:
        if self.frame not in (None, "LPS", "RAS"):
            raise UsageError(f"Expected the frame LPS or RAS, got '{self.frame}'")


@dataclass(frozen=True, eq=False)
class OpenCase:
    """A case whose scan has passed the series gate, or the problem that it has not.

    ``items`` are the nodules that can be scored, ready for the bundle's preprocessing; ``nodule_problems`` says by
    nodule id what is wrong with the others.
    """

    case: Case
    volume: CTVolume | None = None
    problem: Problem | None = None
    warnings: tuple[Problem, ...] = ()
    items: tuple[dict[str, Any], ...] = ()
    nodule_problems: dict[str, Problem] = field(default_factory=dict)


def open_case(case: Case, how: ReadOptions) -> OpenCase:
    """Return the case with its scan opened and its nodules placed; a refusal is returned, not raised.

    Raises:
        UsageError: when the input path does not exist.
    """
    try:
        volume = open_ct_cached(case.input, allow=how.allow, series_uid=how.series_uid)
        check_belongs(case.nodules, volume)
        no_lung = _lung_warning(volume)
    except InputRefusedError as refusal:
        return OpenCase(case, problem=refusal.problem)
    problems = {nodule.nodule_id: problem for nodule in case.nodules if (problem := nodule_problem(nodule, volume))}
    items = tuple(_item(case, nodule, volume) for nodule in case.nodules if nodule.nodule_id not in problems)
    return OpenCase(
        case,
        volume=volume,
        warnings=volume.warnings + ((no_lung,) if no_lung else ()),
        items=items,
        nodule_problems=problems,
    )


def case_of_table(scan: Path, table: Path, how: ReadOptions, case_id: str | None = None) -> Case:
    """Return the case of a scan and a nodule table; of a table of many series (LUNA16) the scan's own are taken.

    Raises:
        UsageError: when the scan or the table is missing, or the table is malformed.
        InputRefusedError: ``frame_mismatch``, when the table is about other series.
    """
    series_uid = how.series_uid
    try:
        volume = open_ct_cached(scan, allow=how.allow, series_uid=series_uid)
        series_uid = str(volume.attributes["series_uid"]) if "series_uid" in volume.attributes else series_uid
    except InputRefusedError:
        series_uid = None  # scoring refuses the scan in a moment, and records why
    source = read_nodules(
        table,
        frame=how.frame,
        min_score=how.min_score,
        case=how.case,
        series_uid=series_uid,
        scan_name=name_of(scan).split(".")[0],
    )
    return Case(case_id or name_of(scan), scan, source.nodules, source)


# The look for a lung decodes six slices; a scan that stays open is not looked at again.
_looked_at: WeakKeyDictionary[CTVolume, Problem | None] = WeakKeyDictionary()


def _lung_warning(volume: CTVolume) -> Problem | None:
    if volume not in _looked_at:
        _looked_at[volume] = lung_warning(volume)
    return _looked_at[volume]


def _item(case: Case, nodule: Nodule, volume: CTVolume) -> dict[str, Any]:
    item: dict[str, Any] = {
        "image": volume,
        "case_id": case.case_id,
        "nodule_id": nodule.nodule_id,
        "center_lps_mm": nodule.center_lps_mm,
        "diameter_mm": nodule.diameter_mm,
    }
    return item if nodule.box_lps_mm is None else {**item, "box_lps_mm": nodule.box_lps_mm}
