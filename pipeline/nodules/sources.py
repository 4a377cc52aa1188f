"""Where nodules come from: one door to every format, positions given back in LPS mm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import ProblemCode, UsageError, printable, refuse
from nodulus.transforms.volume import CTVolume

from .from_csv import nodules_of_csv
from .from_json import nodules_of_json
from .from_markups import is_fcsv, nodules_of_fcsv
from .from_mask import is_label_mask, nodules_of_mask
from .nodule import Nodule, swap_frame
from .nodule_file import is_dicom, known_other_kind, read_start
from .scan_names import is_uid, name_of_image, names_of_scan
from .whose import Wanted, of_one_scan

_MAX_LINE, _SHOWN = 1000, 40
# They say themselves in which frame they are.
_STATE_THEIR_FRAME = ("dicom_sr", "dicom_seg", "dicom_rtstruct", "slicer_markups", "slicer_fcsv", "label_mask")


@dataclass(frozen=True)
class NoduleSet:
    """The nodules of one source.

    Args:
        nodules: positions in LPS mm, whatever the source wrote.
        format: nodulus_csv, luna16_csv, nodulus_json, detection_json, slicer_markups, slicer_fcsv, dicom_sr, dicom_seg,
            dicom_rtstruct, label_mask, cases_table, point, detection_bundle.
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
    scan: Path | None = None,
) -> NoduleSet:
    """Return the nodules of a table, JSON, Slicer's markups, a DICOM SR, SEG or RTSTRUCT, or a label mask.

    What the file holds decides.

    Args:
        path: the file.
        frame: the frame of its numbers, LPS or RAS; None takes what the format implies or the file states, else LPS.
        min_score: leaves out what a detector is less sure of, 0 to 1; nodules without a score stay.
        case: picks the rows of one scan out of a table of several, by its ``case`` or image name.
        scan_name: what the scan is called; a table that names other scans only is refused.
        series_uid: picks them by the SeriesInstanceUID.
        scan: where the scan is: its file and folders are names that a table may call it by, and marks that a report
            made on its images are placed by their headers.

    Raises:
        UsageError: the file is missing or malformed (the message names file, row and column), or holds several scans.
        InputRefusedError: ``frame_mismatch``, when the file is about other scans.
    """
    try:
        format_name, nodules, notes = _read(path, scan)
    except UsageError as error:  # what a file holds may be quoted in it
        line = str(error) if path.name in str(error) else f"{path.name}: {error}"
        raise UsageError(_one_line(line)) from error
    if frame == "RAS" and format_name in _STATE_THEIR_FRAME:
        why = "DICOM defines its positions as LPS" if format_name.startswith("dicom_") else "the file states its own"
        raise UsageError(f"{path.name}: expected no --frame RAS, {why}")
    if not nodules:
        raise UsageError(f"{path.name}: expected at least one nodule, got none{_listed(notes)}")
    names = _names(scan_name, scan)
    if format_name.startswith("dicom_"):
        names = tuple(filter(is_uid, names[:1]))  # they name their series by its UID, whatever a file is called
    wanted = Wanted(case, series_uid, names, partial(_patient_id, scan, series_uid))
    chosen, silent = of_one_scan(nodules, wanted, path)
    confident, doubtful = _confident(chosen, min_score, path)
    in_lps = confident if frame != "RAS" else [swap_frame(nodule) for nodule in confident]
    lines = tuple(map(_one_line, (*notes, *silent, *doubtful)))
    return NoduleSet(tuple(in_lps), format_name, frame or "LPS", "stated" if frame else "implied", lines)


def check_belongs(nodules: NoduleSet | Iterable[Nodule], volume: CTVolume) -> None:
    """Refuse nodules whose frame of reference or series is not the scan's; what either does not know is let pass.

    Another series is refused in the same frame of reference too: it may show another breath.
    """
    for nodule in nodules.nodules if isinstance(nodules, NoduleSet) else nodules:
        _check_uid(nodule, "frame of reference", nodule.frame_of_reference_uid, volume, "frame_of_reference_uid")
        _check_uid(nodule, "series", nodule.series_uid, volume, "series_uid")
        _check_uid(nodule, "study", nodule.study_uid, volume, "study_uid")


def _check_uid(nodule: Nodule, what: str, uid: str | None, volume: CTVolume, key: str) -> None:
    scan_uid = str(volume.attributes.get(key, ""))
    if uid and scan_uid and uid != scan_uid:
        message = f"Expected nodule {nodule.nodule_id} to be marked on the scan's {what} {scan_uid}, got {uid}"
        raise refuse(ProblemCode.FRAME_MISMATCH, message, (nodule.nodule_id,))


def _names(scan_name: str | None, scan: Path | None) -> tuple[str, ...]:
    stated = [scan_name, name_of_image(scan_name)] if scan_name else []
    return tuple(dict.fromkeys(name for name in (*stated, *(names_of_scan(scan) if scan else ())) if name))


def _patient_id(scan: Path | None, series_uid: str | None) -> str | None:
    """Return what a DICOM scan's headers call its patient, None of any other scan."""
    if scan is None or series_uid is None:
        return None
    from nodulus.transforms.series.patient import read_patient  # loaded late: most tables go by names

    patient = read_patient(scan, series_uid)
    return patient.patient_id if patient else None


def _read(path: Path, scan: Path | None) -> tuple[str, list[Nodule], list[str]]:
    start = read_start(path)
    if is_dicom(start, path):
        # Loaded late: pydicom takes longer to load than a scan takes to score, and tables do without.
        from .from_dicom import nodules_of_dicom

        return nodules_of_dicom(path, scan)
    if is_label_mask(start, path):
        return ("label_mask", *nodules_of_mask(path))
    if (what := known_other_kind(start, path)) is not None:
        raise UsageError(f"{path.name}: expected a file of nodules, got {what}")
    if is_fcsv(start, path):
        return ("slicer_fcsv", *nodules_of_fcsv(path))
    if _first_letter(start) in ("[", "{"):
        return nodules_of_json(path)
    if path.suffix.lower() == ".json":
        raise UsageError(f"{path.name}: expected JSON, got {_shown_start(start)}")
    return (*nodules_of_csv(path), [])


def _first_letter(start: bytes) -> str:
    """Return the first letter of a text, whatever its encoding; zeros are the other halves of UTF-16's letters."""
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe\0 \t\r\n")
    return plain[:1].decode("latin-1")


def _shown_start(start: bytes) -> str:
    words = start.replace(b"\0", b"").decode("utf-8", "replace").strip()
    return f"a text that begins {words[:_SHOWN]!r}" if words else "an empty file"


def _one_line(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."


def _confident(nodules: Sequence[Nodule], min_score: float, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules that a detector is sure enough of, and those that none scored; and a note on the others."""
    kept = [nodule for nodule in nodules if nodule.detection_score is None or nodule.detection_score >= min_score]
    if not kept:
        raise UsageError(f"{path.name}: expected a nodule of score {min_score:g} or more, got none of {len(nodules)}")
    n_left_out = len(nodules) - len(kept)
    return kept, [f"{n_left_out} of {len(nodules)} left out: score below {min_score:g}"] if n_left_out else []


def _listed(notes: Sequence[str]) -> str:
    return "".join(f" ({note})" for note in notes)
