"""Nodules of 3D Slicer's markups: .mrk.json (lines, closed curves, ROIs, points) and .fcsv (points)."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .nodule import Nodule, clean_name, decimal_of, is_length, named_apart, shown, swap_frame
from .outlines import Outline, parts_of_outlines
from .parts import parts_kept
from .shapes import Shape, box_of_points, triple_of
from .table_rows import MAX_ROWS, NO_CELLS, read_text

# A point has no size; its label or description may tell one: "R4 12.8 mm", or the number alone.
_DIAMETER = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?)\s*mm\b", re.IGNORECASE)
# Slicer's older files count the frames; IJK (2) needs the volume that the points were set on.
_FRAMES = {"0": "RAS", "RAS": "RAS", "1": "LPS", "LPS": "LPS"}
_FCSV_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"


def is_markups(content: object) -> bool:
    """Return whether the content of a JSON file is a Slicer markups file."""
    return isinstance(content, Mapping) and isinstance(content.get("markups"), list)


def is_fcsv(start: bytes, path: Path) -> bool:
    """Return whether a file that starts with these bytes is a Slicer fiducial list."""
    return start.lstrip(b"\xef\xbb\xbf").startswith(b"# Markups fiducial file") or path.suffix.lower() == ".fcsv"


def nodules_of_markups(content: object, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of a .mrk.json in LPS, and notes on the marks that give none."""
    markups = content["markups"] if isinstance(content, Mapping) else []
    nodules: list[Nodule] = []
    notes: list[str] = []
    for number, markup in enumerate(markups, 1):
        if not isinstance(markup, Mapping):
            raise UsageError(f"{path.name} markup {number}: expected an object, got {type(markup).__name__}")
        name = clean_name(markup.get("name") or (_stem(path) if len(markups) == 1 else f"{_stem(path)}-{number}"))
        try:
            frame = _frame(markup.get("coordinateSystem", "LPS"))
            _check_unit(markup.get("coordinateUnits", "mm"))
            found, said = _nodules(markup, name)
        except UsageError as error:
            notes.append(f"{markup.get('type') or 'markup'} {name!r} left out: {error}")
            continue
        nodules += [swap_frame(nodule) for nodule in found] if frame == "RAS" else found
        notes += said
    return named_apart(nodules), notes


def nodules_of_fcsv(path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of a .fcsv in LPS, and notes on the points without a diameter."""
    lines = read_text(path).splitlines()
    header = dict(line.lstrip("# ").split("=", 1) for line in lines if line.startswith("#") and "=" in line)
    header = {name.strip().lower(): value.strip() for name, value in header.items()}
    frame = _frame(header.get("coordinatesystem", "RAS"))
    delimiter = _delimiter(lines)
    columns = [name.strip() for name in header.get("columns", _FCSV_COLUMNS).replace(delimiter, ",").split(",")]
    nodules: list[Nodule] = []
    notes: list[str] = []
    for number, cells in enumerate(_points_cells(lines, delimiter, path), 1):
        row = dict(zip(columns, cells, strict=False))
        name = clean_name(row.get("label") or number)
        try:
            center = _numbers([row.get(axis) for axis in "xyz"], 3).tolist()
            nodules.append(_marked(name, center, row.get("desc", "")))
        except UsageError as error:
            notes.append(f"point {name!r} left out: {error}")
    return named_apart([swap_frame(each) for each in nodules] if frame == "RAS" else nodules), notes


def _delimiter(lines: Sequence[str]) -> str:
    """Return what separates a point's cells: a comma, but where a spreadsheet wrote the file with decimal commas."""
    point = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return ";" if point.count(";") > point.count(",") else ","


def _points_cells(lines: Sequence[str], delimiter: str, path: Path) -> list[list[str]]:
    """Return the cells of each point of a .fcsv."""
    points = [line for line in lines if not line.startswith("#")]
    try:
        rows = list(filter(None, csv.reader(points, delimiter=delimiter)))
    except csv.Error as error:
        raise UsageError(f"{path.name}: expected CSV, got {NO_CELLS}") from error
    if len(rows) > MAX_ROWS:
        raise UsageError(f"{path.name}: expected at most {MAX_ROWS} points, got {len(rows)}")
    return rows


def _nodules(markup: Mapping[str, object], name: str) -> tuple[list[Nodule], list[str]]:
    kind = str(markup.get("type") or "")
    if kind == "ROI":
        return [_roi(markup, name)], []
    named = _control_points(markup)
    points = np.array([point for _, _, point in named]).reshape(-1, 3)
    if kind == "Line" and len(points) == 2:
        length_mm = float(np.linalg.norm(points[1] - points[0]))
        return [Nodule(name, triple_of(points.mean(axis=0)), length_mm)], []
    if kind == "ClosedCurve" and len(points) >= 3:
        shapes, notes = parts_of_outlines([Outline(points)])
        kept, specks = parts_kept(name, shapes)
        return [_of_shape(each, shape) for each, shape in kept], notes + specks
    if kind not in ("Fiducial", "PointList"):
        raise UsageError(f"expected a line, a closed curve, an ROI or points, got {kind!r} of {len(points)} points")
    nodules, notes = [], []
    for label, description, point in named:
        try:
            nodules.append(_marked(label or name, point, description))
        except UsageError as error:
            notes.append(f"point {label or name!r} left out: {error}")
    return nodules, notes


def _marked(name: str, center: Sequence[float], description: str) -> Nodule:
    """Return the nodule of a point whose label or description tells its diameter."""
    told = _DIAMETER.search(description) or _DIAMETER.search(name)
    diameter_mm = decimal_of(told[1] if told else description)
    if diameter_mm is None:
        raise UsageError("a point without a diameter: write it into its description, as '12.8 mm', or draw a line")
    x, y, z = center
    return Nodule(name, (x, y, z), diameter_mm)


def _roi(markup: Mapping[str, object], name: str) -> Nodule:
    """Return the nodule of a box: the ellipsoid in it."""
    size = _numbers(markup.get("size"), 3)
    axes = _numbers(markup.get("orientation") or np.eye(3).ravel().tolist(), 9).reshape(3, 3)
    center = _numbers(markup.get("center"), 3)
    if min(size) <= 0:
        raise UsageError(f"expected a size above 0, got {size.tolist()}")
    reach = np.abs(axes * size / 2).sum(axis=1)
    box = box_of_points(np.array([center - reach, center + reach]))
    return _of_shape(name, Shape(triple_of(center), float(np.prod(size)) ** (1 / 3), box))


def _of_shape(name: str, shape: Shape) -> Nodule:
    return Nodule(name, shape.center_lps_mm, shape.diameter_mm, box_lps_mm=shape.box_lps_mm)


def _control_points(markup: Mapping[str, object]) -> list[tuple[str, str, list[float]]]:
    """Return label, description and position of each control point that was placed."""
    points = markup.get("controlPoints")
    if not isinstance(points, list) or len(points) > MAX_ROWS:
        raise UsageError("expected a list of controlPoints")
    placed = [p for p in points if isinstance(p, Mapping) and p.get("positionStatus", "defined") == "defined"]
    return [
        (clean_name(p.get("label") or ""), str(p.get("description") or ""), _numbers(p.get("position"), 3).tolist())
        for p in placed
    ]


def _numbers(value: object, n_expected: int) -> Points:
    if not isinstance(value, list) or len(value) != n_expected:
        got = f"{len(value)} values" if isinstance(value, list) else shown(value)
        raise UsageError(f"expected {n_expected} numbers, got {got}")
    numbers = [decimal_of(each) if isinstance(each, str) else each for each in value]
    for each, number in zip(value, numbers, strict=True):
        if not is_length(number):
            raise UsageError(f"expected {n_expected} finite numbers, got {shown(each)}")
    return np.array(numbers, dtype=np.float64)


def _frame(stated: object) -> str:
    frame = _FRAMES.get(str(stated).strip().upper())
    if frame is None:
        raise UsageError(f"expected the coordinate system LPS or RAS, got {str(stated)[:20]!r}")
    return frame


def _check_unit(stated: object) -> None:
    # A code of UCUM may have its scheme and its meaning behind it: ["mm", "UCUM", "millimeter"].
    units = stated[:1] if isinstance(stated, list) and "UCUM" in stated else stated
    flat = units if isinstance(units, list) else [units]
    if any(str(unit) != "mm" for unit in flat):
        raise UsageError(f"expected coordinateUnits mm, got {str(stated)[:20]!r}")


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name
