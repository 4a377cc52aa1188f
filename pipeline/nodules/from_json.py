"""Nodules of JSON files: a list of our mappings, or the boxes of MONAI's lung_nodule_ct_detection bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from nodulus.transforms.problems import UsageError

from .from_markups import is_markups, nodules_of_markups
from .named_scan import named_scan, with_inner_names
from .nodule import Nodule, is_length, nodule_from_mapping, shown
from .table_rows import MAX_ROWS, read_text

# Lists in objects in lists: no file of nodules goes deeper, and what is shown of one is written by recursion.
_MAX_DEPTH = 32


def nodules_of_json(path: Path) -> tuple[str, list[Nodule], list[str]]:
    """Return the file's format (nodulus_json, detection_json or slicer_markups), its nodules and notes."""
    content = read_json(path)
    if is_markups(content):
        return ("slicer_markups", *nodules_of_markups(content, path))
    entries = _entries(content, path)
    if any("box" in entry for entry in entries):
        return "detection_json", _detected(entries, path), []
    return "nodulus_json", _ours(entries, path), []


def read_json(path: Path) -> object:
    """Return what a JSON file holds; all of its text can be written as UTF-8."""
    text = read_text(path)
    too_deep = f"{path.name}: expected a list of nodules, got JSON nested too deep"
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise UsageError(too_deep) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{path.name}: expected JSON, got something else at {place}") from error
    except ValueError as error:
        raise UsageError(f"{path.name}: expected JSON, got a number of thousands of digits") from error
    if _is_deep(content):
        raise UsageError(too_deep)
    if "\\u" in text and not _is_text(json.dumps(content, ensure_ascii=False)):
        raise UsageError(f"{path.name}: expected text, got half a surrogate pair (\\ud800 to \\udfff)")
    return content


def _is_deep(content: object) -> bool:
    """Return whether lists and objects are nested deeper than any file of nodules."""
    level = [content]
    for _ in range(_MAX_DEPTH):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [child for children in inner for child in children if isinstance(child, dict | list)]
    return bool(level)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(content: object, path: Path) -> list[Mapping[str, object]]:
    """Return the file's objects: a list of them, one alone, or lists by name (decathlon splits, {"nodules": [...]})."""
    if isinstance(content, Mapping) and not {"box", "nodule_id"} & set(content):
        lists = [value for value in content.values() if isinstance(value, list)]
        # What is said above the lists of the scan holds for each entry.
        above = {key: value for key, value in with_inner_names(content).items() if isinstance(value, str)}
        content = [{**above, **one} if isinstance(one, Mapping) else one for entries in lists for one in entries]
    entries = [content] if isinstance(content, Mapping) else content
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path.name}: expected a list of nodules, got {'an empty list' if entries == [] else 'none'}")
    if len(entries) > MAX_ROWS:
        raise UsageError(f"{path.name}: expected at most {MAX_ROWS} entries, got {len(entries)}")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise UsageError(f"{path.name} entry {number}: expected an object, got {shown(entry)}")
    return entries


def _ours(entries: Sequence[Mapping[str, object]], path: Path) -> list[Nodule]:
    nodules: dict[tuple[str | None, str | None, str], Nodule] = {}
    for number, entry in enumerate(entries, 1):
        try:
            nodule = nodule_from_mapping(_in_our_keys(entry))
        except UsageError as error:
            raise UsageError(f"{path.name} entry {number}: {error}") from error
        if (key := (nodule.case_id, nodule.series_uid, nodule.nodule_id)) in nodules:
            raise UsageError(
                f"{path.name} entry {number}: expected each nodule_id once, got {nodule.nodule_id!r} again"
            )
        nodules[key] = nodule
    return list(nodules.values())


def _in_our_keys(entry: Mapping[str, object]) -> dict[str, object]:
    """Return the entry with what it says of its scan under our keys, whatever it calls them."""
    values = with_inner_names(entry)
    scan = named_scan(values)
    return {**{key: value for key, value in values.items() if key not in scan.told_by}, **scan.fields}


def _detected(entries: Sequence[Mapping[str, object]], path: Path) -> list[Nodule]:
    """Return a nodule of each box, numbered from 1 within its image.

    The frame is LPS: the bundle's inference.json ends in AffineBoxToWorldCoordinated with affine_lps_to_ras true,
    which turns MONAI's RAS affine to LPS before the boxes pass through it (apps/detection/transforms/dictionary.py);
    LUNA16, which it was trained on, is LPS. Run with affine_lps_to_ras false it writes RAS: then state the frame.
    """
    nodules = []
    for number, entry in enumerate(entries, 1):
        where = f"{path.name} entry {number}"
        boxes = _list(entry, "box", where)
        labels, scores = _beside(entry, "label", boxes, where), _beside(entry, "label_scores", boxes, where)
        whose = named_scan(with_inner_names(entry)).fields
        for n, (box, label, score) in enumerate(zip(boxes, labels, scores, strict=True), 1):
            mapping = {**whose, "nodule_id": str(n), "detection_score": score, "label": label}
            try:
                nodules.append(nodule_from_mapping({**_geometry(box), **mapping}))
            except UsageError as error:
                raise UsageError(f"{where} box {n}: {error}") from error
    return nodules


def _geometry(box: object) -> dict[str, object]:
    """Return centre, diameter and box of MONAI's cccwhd: centre x, y, z, then size along x, y, z, all in mm.

    The diameter is that of the sphere with the volume of the ellipsoid in the box: for LUNA16's cubes, their side.
    """
    if not isinstance(box, list) or len(box) != 6 or not all(map(is_length, box)):
        raise UsageError(f"expected six numbers (centre x, y, z, size x, y, z), got {shown(box)}")
    center, size = box[:3], box[3:]
    if min(size) <= 0:
        raise UsageError(f"expected a box with sizes above 0, got {size}")
    low = [c - s / 2 for c, s in zip(center, size, strict=True)]
    high = [c + s / 2 for c, s in zip(center, size, strict=True)]
    diameter_mm = float(size[0] * size[1] * size[2]) ** (1 / 3)
    return {"center_lps_mm": center, "diameter_mm": diameter_mm, "box_lps_mm": [*low, *high]}


def _list(entry: Mapping[str, object], key: str, where: str) -> list[object]:
    value = entry.get(key)
    if not isinstance(value, list):
        raise UsageError(f"{where}: expected a list in {key}, got {shown(value)}")
    # A single box is written without its outer list by some scripts.
    return [value] if key == "box" and value and not isinstance(value[0], list) else value


def _beside(entry: Mapping[str, object], key: str, boxes: Sequence[object], where: str) -> list[object]:
    """Return one value a box; ground truth has no scores."""
    if key not in entry:
        return [None] * len(boxes)
    values = _list(entry, key, where)
    if len(values) != len(boxes):
        raise UsageError(f"{where}: expected {len(boxes)} values in {key}, one a box, got {len(values)}")
    return values
