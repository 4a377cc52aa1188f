"""A scan opened once, the nodules read for it, and both together: a case that is ready to score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodulus.pipeline.nodules.nodule import Nodule, nodule_from_mapping
from nodulus.pipeline.nodules.placement import nodule_problem
from nodulus.pipeline.nodules.sources import NoduleSet, check_belongs, read_nodules
from nodulus.pipeline.readout.patient_facts import PATIENT, patient_facts
from nodulus.transforms.geometry import Frame
from nodulus.transforms.images.held_image import held_name, is_held_image
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError
from nodulus.transforms.scan.cache import ScanCache
from nodulus.transforms.scan.open import open_ct, open_held_ct
from nodulus.transforms.volume import CTVolume

from .cases import Case, name_of

if TYPE_CHECKING:
    from nodulus.transforms.images.held_image import HeldImage

NodulesLike = str | Path | NoduleSet | Sequence[Nodule | Mapping[str, Any]]


@dataclass(frozen=True)
class ReadOptions:
    """How a scan is opened and its nodules are read.

    Args:
        frame: LPS or RAS, for a table that does not state its frame.
        allow: problem codes that the series gate may admit.
        series_uid: which series to open where a place holds several.
        min_score: leaves out what a detector was less sure of, 0 to 1.
        case: whose nodules to take out of a table of several cases; by default the scan's own name.
        patient: what is known of the patient, by the columns of a nodule table; what the table itself says goes before.
    """

    frame: Frame | None = None
    allow: tuple[ProblemCode, ...] = ()
    series_uid: str | None = None
    min_score: float = 0.0
    case: str | None = None
    patient: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frame not in (None, "LPS", "RAS"):
            raise UsageError(f"Expected the frame LPS or RAS, got '{self.frame}'")


@dataclass(frozen=True, eq=False)
class OpenScan:
    """A scan that has passed the series gate, or the problem for which it was refused."""

    path: Path
    volume: CTVolume | None = None
    problem: Problem | None = None


@dataclass(frozen=True, eq=False)
class OpenCase:
    """A case whose scan is open and whose nodules are placed in it, or the problem for which it was refused.

    ``items`` are the nodules that can be scored, ready for the bundle's preprocessing; ``nodule_problems`` says by
    nodule id what is wrong with the others.
    """

    case: Case
    volume: CTVolume | None = None
    problem: Problem | None = None
    items: tuple[dict[str, Any], ...] = ()
    nodule_problems: dict[str, Problem] = field(default_factory=dict)

    def accepted(self) -> CTVolume:
        """Return the scan.

        Raises:
            InputRefusedError: the case was refused.
        """
        if self.problem is not None:
            raise InputRefusedError(self.problem)
        if self.volume is None:
            msg = f"Expected the scan or the problem of case {self.case.case_id}, got neither"
            raise ValueError(msg)
        return self.volume


def open_scan(path: Path, how: ReadOptions, scans: ScanCache | None = None) -> OpenScan:
    """Return the scan at a path, opened; a refusal is returned, not raised.

    Args:
        path: where it is.
        how: which series of it, and which problems to admit.
        scans: those that the caller keeps open; None opens the scan anew.

    Raises:
        UsageError: when the path does not exist.
    """
    opener = open_ct if scans is None else scans.open
    try:
        return OpenScan(path, volume=opener(path, allow=how.allow, series_uid=how.series_uid))
    except InputRefusedError as refusal:
        return OpenScan(path, problem=refusal.problem)


def open_held_scan(image: HeldImage, how: ReadOptions) -> OpenScan:
    """Return the scan that an image in memory holds; a refusal is returned, not raised.

    Raises:
        UsageError: when it is neither SimpleITK's nor nibabel's: an array does not say where its voxels are.
    """
    if not is_held_image(image):
        raise UsageError(f"Expected a path, a SimpleITK or a nibabel image, got one {type(image).__name__}")
    name = held_name(image)
    try:
        return OpenScan(name, volume=open_held_ct(image, allow=how.allow))
    except InputRefusedError as refusal:
        return OpenScan(name, problem=refusal.problem)


def open_case(scan: OpenScan, nodules: NodulesLike, how: ReadOptions, case_id: str | None = None) -> OpenCase:
    """Return the case of a scan and its nodules; of a table of many series (LUNA16) the scan's own are taken.

    Args:
        scan: the scan.
        nodules: a nodule file's path, what was read of one, or nodules and mappings that state LPS positions.
        how: how a table is read.
        case_id: names the case in the result; the path's name by default.

    Raises:
        UsageError: when the table is missing, or it or a nodule is malformed.
        InputRefusedError: ``frame_mismatch``, when the table is about other series.
    """
    found = _read_table(scan, Path(nodules), how) if isinstance(nodules, str | Path) else _stated(nodules, how)
    source = found if isinstance(found, NoduleSet) else None
    listed = found.nodules if isinstance(found, NoduleSet) else found
    if how.patient:
        listed = tuple(replace(nodule, attributes={**how.patient, **nodule.attributes}) for nodule in listed)
    return place_nodules(Case(case_id or name_of(scan.path), scan.path, listed, source), scan)


def place_nodules(case: Case, scan: OpenScan) -> OpenCase:
    """Return a case with its nodules placed in its scan; a refusal is returned, not raised."""
    if scan.volume is None:
        return OpenCase(case, problem=scan.problem)
    volume = scan.volume
    try:
        check_belongs(case.nodules, volume)
    except InputRefusedError as refusal:
        return OpenCase(case, problem=refusal.problem)
    problems = {nodule.nodule_id: problem for nodule in case.nodules if (problem := nodule_problem(nodule, volume))}
    items = tuple(_item(case, nodule, volume) for nodule in case.nodules if nodule.nodule_id not in problems)
    return OpenCase(case, volume, items=items, nodule_problems=problems)


def _read_table(scan: OpenScan, table: Path, how: ReadOptions) -> NoduleSet:
    # Of a scan that was refused the series is not known, and its nodules are only listed beside the refusal.
    known = {} if scan.volume is None else {"series_uid": how.series_uid, **scan.volume.attributes}
    series_uid = known.get("series_uid")
    return read_nodules(
        table,
        frame=how.frame,
        min_score=how.min_score,
        case=how.case,
        series_uid=None if series_uid is None else str(series_uid),
        scan=scan.path,
    )


def _stated(
    nodules: NoduleSet | Sequence[Nodule | Mapping[str, Any]], how: ReadOptions
) -> NoduleSet | tuple[Nodule, ...]:
    if how.frame is not None:
        msg = f"Expected no frame beside nodules that state theirs (center_lps_mm), got {how.frame}"
        raise UsageError(msg)
    if isinstance(nodules, NoduleSet):
        return nodules
    if isinstance(nodules, Mapping):
        msg = "Expected a list of nodules, got one mapping: put it into a list"
        raise UsageError(msg)
    return tuple(nodule if isinstance(nodule, Nodule) else nodule_from_mapping(nodule) for nodule in nodules)


def _item(case: Case, nodule: Nodule, volume: CTVolume) -> dict[str, Any]:
    item: dict[str, Any] = {
        "image": volume,
        "case_id": case.case_id,
        "nodule_id": nodule.nodule_id,
        "center_lps_mm": nodule.center_lps_mm,
        "diameter_mm": nodule.diameter_mm,
        PATIENT: patient_facts(nodule.attributes),
    }
    return item if nodule.box_lps_mm is None else {**item, "box_lps_mm": nodule.box_lps_mm}
