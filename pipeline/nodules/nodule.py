"""A nodule: which one, where, and how large."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nodulus.transforms.geometry import BoxCorners, Triple
from nodulus.transforms.problems import UsageError, printable

# The largest mass in LIDC-IDRI is under 65 mm; a larger number is a position or a volume in the wrong column.
MAX_DIAMETER_MM = 100.0
# LIDC-IDRI's readers measured nothing below 3 mm: a smaller number than this is in cm, m or voxels.
MIN_DIAMETER_MM = 1.0
MAX_NAME = 64
# A position beyond a thousand kilometres is none; what is computed of smaller ones stays finite.
FARTHEST_MM = 1e9
_PADDING = "".join(letter for letter in map(chr, range(0x10000)) if letter.isspace()) + "\0\u200b\ufeff"

# In LIDC-IDRI a nodule's centre lies up to 0.2 mm outside its box.
CENTER_TOLERANCE_MM = 1.0


@dataclass(frozen=True)
class Nodule:
    """One nodule of a scan.

    Args:
        nodule_id: its name, unique in its scan.
        center_lps_mm: its centre.
        diameter_mm: from 1 to 100.
        box_lps_mm: low x, y, z and high x, y, z, where it was outlined.
        case_id: the scan it belongs to, where the source says.
        series_uid: of the CT series it was marked on.
        frame_of_reference_uid: of the frame its position is given in.
        detection_score: how sure a detector was, 0 to 1.
        attributes: what else the source says of it (age, sex, ...), as text.
        study_uid: of the study it was marked in.
    """

    nodule_id: str
    center_lps_mm: Triple
    diameter_mm: float
    box_lps_mm: BoxCorners | None = None
    case_id: str | None = None
    series_uid: str | None = None
    frame_of_reference_uid: str | None = None
    detection_score: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    study_uid: str | None = None

    def __post_init__(self) -> None:
        if not self.nodule_id:
            raise UsageError("expected a nodule_id, got none")
        _check_finite("center_lps_mm", self.center_lps_mm, 3)
        _check_finite("diameter_mm", (self.diameter_mm,), 1)
        if problem := diameter_problem(self.diameter_mm):
            raise UsageError(problem)
        if self.box_lps_mm is not None:
            _check_finite("box_lps_mm", self.box_lps_mm, 6)
            if any(low > high for low, high in zip(self.box_lps_mm[:3], self.box_lps_mm[3:], strict=True)):
                raise UsageError(f"expected box_lps_mm as low x, y, z, high x, y, z, got {list(self.box_lps_mm)}")
            _check_holds(self.box_lps_mm, self.center_lps_mm)


def diameter_problem(diameter_mm: float) -> str | None:
    """Return in one line why a number cannot be a nodule's diameter in mm, or None."""
    if MIN_DIAMETER_MM <= diameter_mm <= MAX_DIAMETER_MM:
        return None
    expected = f"expected diameter_mm above 0 and at most {MAX_DIAMETER_MM:g}, got {diameter_mm:g}"
    if not 0 < diameter_mm < MIN_DIAMETER_MM:
        return expected
    return f"expected diameter_mm in mm, from {MIN_DIAMETER_MM:g} on, got {diameter_mm:g}: in another unit (cm, m)?"


def first_repeated(names: Iterable[str]) -> str | None:
    """Return the first name that was there before, or None.

    >>> first_repeated(["a", "b", "a", "b"])
    'a'
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def clean_name(text: object) -> str:
    """Return a label from a file as a name: on one line, printable, at most 64 letters as DICOM allows."""
    name = printable(unpadded(str(text)))
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}..."


def unpadded(text: str) -> str:
    r"""Return a text without the blanks around it, zeros (DICOM's padding) and marks of byte order among them.

    >>> unpadded(" 1.2.3\0 ")
    '1.2.3'
    """
    return text.strip(_PADDING)


def named_apart(nodules: Sequence[Nodule]) -> list[Nodule]:
    """Return the nodules with a number behind each name that was given before; DICOM and Slicer let names repeat."""
    seen: dict[str, int] = {}
    taken = {nodule.nodule_id for nodule in nodules}
    apart = []
    for nodule in nodules:
        name, n = nodule.nodule_id, seen.get(nodule.nodule_id, 0) + 1
        while n > 1 and (name := f"{nodule.nodule_id} #{n}") in taken:
            n += 1
        seen[nodule.nodule_id] = n
        taken.add(name)
        apart.append(nodule if n == 1 else replace(nodule, nodule_id=name))
    return apart


def nodule_from_mapping(mapping: Mapping[str, object]) -> Nodule:
    """Return the nodule of ``{"nodule_id", "center_lps_mm", "diameter_mm"}``, perhaps with more fields of `Nodule`.

    >>> nodule_from_mapping({"nodule_id": "1", "center_lps_mm": [1, 2, 3], "diameter_mm": 8}).center_lps_mm
    (1.0, 2.0, 3.0)
    """
    missing = [name for name in ("nodule_id", "center_lps_mm", "diameter_mm") if mapping.get(name) is None]
    if missing:
        raise UsageError(f"expected {missing[0]} of a nodule, got only {', '.join(map(str, mapping)) or 'nothing'}")
    x, y, z = _numbers("center_lps_mm", mapping["center_lps_mm"], 3)
    box = mapping.get("box_lps_mm")
    score = mapping.get("detection_score")
    return Nodule(
        nodule_id=str(mapping["nodule_id"]),
        center_lps_mm=(x, y, z),
        diameter_mm=_number("diameter_mm", mapping["diameter_mm"]),
        box_lps_mm=None if box is None else box_of(_numbers("box_lps_mm", box, 6)),
        case_id=_text(mapping, "case_id"),
        series_uid=_text(mapping, "series_uid"),
        frame_of_reference_uid=_text(mapping, "frame_of_reference_uid"),
        detection_score=None if score is None else _number("detection_score", score),
        attributes={str(k): str(v) for k, v in mapping.items() if k not in _FIELDS and v is not None},
        study_uid=_text(mapping, "study_uid"),
    )


_FIELDS = frozenset(Nodule.__dataclass_fields__) - {"attributes"}


def swap_frame(nodule: Nodule) -> Nodule:
    """Return the nodule with its position and box, which were read as LPS but are RAS, turned to LPS."""
    x, y, z = nodule.center_lps_mm
    box = nodule.box_lps_mm
    if box is not None:
        box = (-box[3], -box[4], box[2], -box[0], -box[1], box[5])
    return replace(nodule, center_lps_mm=(-x, -y, z), box_lps_mm=box)


def box_of(numbers: Sequence[float]) -> BoxCorners:
    """Return six numbers as a box."""
    a, b, c, d, e, f = (float(number) for number in numbers)
    return a, b, c, d, e, f


def _numbers(name: str, value: object, n_expected: int) -> list[float]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    values = list(value) if isinstance(value, Sequence) and is_list else _array_values(value)
    if values is None or len(values) != n_expected:
        raise UsageError(f"expected {n_expected} numbers of mm in {name}, got {shown(value)}")
    return [_number(name, item) for item in values]


def _array_values(value: object) -> list[object] | None:
    """Return the items of a one-dimensional numpy array or torch tensor."""
    to_list = getattr(value, "tolist", None)
    items = to_list() if to_list is not None else None
    return items if isinstance(items, list) else None


def _number(name: str, value: object) -> float:
    number = decimal_of(value) if isinstance(value, str) else _as_float(value)
    if number is None:
        raise UsageError(f"expected a number in {name}, got {shown(value)}")
    return number


def _as_float(value: object) -> float | None:
    """Return a number of any library, such as an array of one, as Python's; None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return None


# Not all that float() takes: it reads 1_0 as 10.
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_MINUS = "\N{MINUS SIGN}"  # word processors write it for a hyphen
_MAX_SHOWN = 80


def decimal_of(text: str) -> float | None:
    """Return the number that a text is, with a decimal point or a decimal comma; None where it is none.

    >>> decimal_of("-47,403"), decimal_of("1_0")
    (-47.403, None)
    """
    plain = unpadded(text).replace(_MINUS, "-")
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def is_length(value: object) -> bool:
    """Return whether a value is a finite number that a position or a size in mm can be.

    Integers from a file may have hundreds of digits, which no float holds.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FARTHEST_MM


def shown(value: object) -> str:
    """Return a value as a message shows it; of a number of hundreds of digits the first are enough."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _text(mapping: Mapping[str, object], name: str) -> str | None:
    value = mapping.get(name)
    return None if value is None else str(value)


def _check_holds(box: BoxCorners, center: Triple) -> None:
    places = zip(box[:3], center, box[3:], strict=True)
    if not all(low - CENTER_TOLERANCE_MM <= at <= high + CENTER_TOLERANCE_MM for low, at, high in places):
        raise UsageError(f"expected box_lps_mm around center_lps_mm {list(center)}, got {list(box)}")


def _check_finite(name: str, values: Sequence[float], n_expected: int) -> None:
    if len(values) != n_expected or not all(math.isfinite(value) for value in values):
        raise UsageError(f"expected {n_expected} finite number(s) of mm in {name}, got {list(values)}")
