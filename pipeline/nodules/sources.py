"""Where nodules come from: one door to every format, positions given back in LPS mm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import ProblemCode, UsageError, refuse
from nodulus.transforms.volume import CTVolume

from .from_csv import nodules_of_csv
from .from_dicom import is_dicom, nodules_of_dicom
from .from_json import nodules_of_json
from .nodule import Nodule, swap_frame


@dataclass(frozen=True)
class NoduleSet:
    """The nodules of one source.

    Args:
        nodules: positions in LPS mm, whatever the source wrote.
        format: nodulus_csv, luna16_csv, nodulus_json, detection_json, dicom_sr, dicom_seg, dicom_rtstruct, cases_table.
        frame: the frame that the source's numbers were taken to be in.
        frame_is: whether the user stated that frame or the format implies it.
        notes: what the reader left out or assumed, a line each.
    """

    nodules: tuple[Nodule, ...]
    format: str
    frame: Frame
    frame_is: Literal["stated", "implied"]
    notes: tuple[str, ...] = ()


def read_nodules(
    path: Path,
    *,
    frame: Frame | None = None,
    min_score: float = 0.0,
    case: str | None = None,
    series_uid: str | None = None,
    scan_name: str | None = None,
) -> NoduleSet:
    """Return the nodules of a table, a JSON list, or a DICOM SR, SEG or RTSTRUCT; what the file holds decides.

    Args:
        path: the file.
        frame: the frame of its numbers, LPS or RAS; None takes what the format implies, which is LPS for all of them.
        min_score: leaves out what a detector is less sure of, 0 to 1; nodules without a score stay.
        case: picks the rows of one scan out of a table of several, by its ``case`` or image name.
        scan_name: the case to pick out of a table of several when no ``case`` is given.
        series_uid: picks them by the SeriesInstanceUID.

    Raises:
        UsageError: the file is missing or malformed (the message names file, row and column), or holds several scans.
        InputRefusedError: ``frame_mismatch``, when the file is about other series than ``series_uid``.
    """
    format_name, nodules, notes = _read(path)
    if frame == "RAS" and format_name.startswith("dicom_"):
        raise UsageError(f"{path.name}: expected no --frame RAS, DICOM defines its positions as LPS")
    if not nodules:
        raise UsageError(f"{path.name}: expected at least one nodule, got none")
    if case is None and len({nodule.case_id for nodule in nodules} - {None}) > 1:
        case = next((nodule.case_id for nodule in nodules if nodule.case_id == scan_name), None)
    chosen = _of_one_scan(nodules, case, series_uid, path)
    confident = [nodule for nodule in chosen if nodule.detection_score is None or nodule.detection_score >= min_score]
    if len(confident) < len(chosen):
        notes = [*notes, f"{len(chosen) - len(confident)} of {len(chosen)} left out: score below {min_score:g}"]
    if not confident:
        raise UsageError(f"{path.name}: expected a nodule of score {min_score:g} or more, got none of {len(chosen)}")
    in_lps = confident if frame != "RAS" else [swap_frame(nodule) for nodule in confident]
    return NoduleSet(tuple(in_lps), format_name, frame or "LPS", "stated" if frame else "implied", tuple(notes))


def check_belongs(nodules: NoduleSet | Iterable[Nodule], volume: CTVolume) -> None:
    """Refuse nodules whose frame of reference or series is not the scan's; what either does not know is let pass.

    Another series is refused in the same frame of reference too: it may show another breath.
    """
    for nodule in nodules.nodules if isinstance(nodules, NoduleSet) else nodules:
        _check_uid(nodule, "frame of reference", nodule.frame_of_reference_uid, volume, "frame_of_reference_uid")
        _check_uid(nodule, "series", nodule.series_uid, volume, "series_uid")


def _check_uid(nodule: Nodule, what: str, uid: str | None, volume: CTVolume, key: str) -> None:
    scan_uid = str(volume.attributes.get(key, ""))
    if uid and scan_uid and uid != scan_uid:
        message = f"Expected nodule {nodule.nodule_id} to be marked on the scan's {what} {scan_uid}, got {uid}"
        raise refuse(ProblemCode.FRAME_MISMATCH, message, (nodule.nodule_id,))


def _read(path: Path) -> tuple[str, list[Nodule], list[str]]:
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError as error:
        raise UsageError(f"Expected a file of nodules, got {error.strerror or error}: {path}") from error
    if is_dicom(start, path):
        return nodules_of_dicom(path)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        return nodules_of_json(path)
    return (*nodules_of_csv(path), [])


def _of_one_scan(nodules: Sequence[Nodule], case: str | None, series_uid: str | None, path: Path) -> list[Nodule]:
    """Return the nodules of the scan that is asked for; a table of several scans must be told which."""
    if series_uid is None and case in {nodule.series_uid for nodule in nodules}:
        case, series_uid = None, case  # LUNA16 names its scans by their series
    by_case = _matching(nodules, "case_id", case)
    if case is not None and not by_case:
        raise UsageError(f"{path.name}: expected nodules of case {case!r}, got those of {_listed(nodules, 'case_id')}")
    chosen = _matching(by_case, "series_uid", series_uid)
    if series_uid is not None and not chosen:
        message = (
            f"Expected nodules of series {series_uid} in {path.name}, got those of {_listed(by_case, 'series_uid')}"
        )
        raise refuse(ProblemCode.FRAME_MISMATCH, message)
    scans = {(nodule.case_id, nodule.series_uid) for nodule in chosen}
    if len(scans) > 1:
        raise UsageError(
            f"{path.name}: expected the nodules of one scan, got those of {len(scans)}: name one (--case NAME)"
        )
    return chosen


def _matching(nodules: Sequence[Nodule], key: str, wanted: str | None) -> list[Nodule]:
    """Return the nodules whose field is as wanted, and those that do not say."""
    return [nodule for nodule in nodules if wanted is None or getattr(nodule, key) in (None, wanted)]


def _listed(nodules: Sequence[Nodule], key: str) -> str:
    names = list(dict.fromkeys(str(getattr(nodule, key)) for nodule in nodules))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
