"""Tables of many scans: which input, which nodules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path

from nodulus.pipeline.nodules.from_csv import OUR_COLUMNS, nodules_of_rows
from nodulus.pipeline.nodules.from_json import read_json
from nodulus.pipeline.nodules.nodule import Nodule, first_repeated, nodule_from_mapping, swap_frame
from nodulus.pipeline.nodules.parquet_rows import read_parquet_rows
from nodulus.pipeline.nodules.sources import NoduleSet
from nodulus.pipeline.nodules.table_rows import Row, read_rows
from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import UsageError

from .remote_scan import RemoteScan, place_of

CASE_COLUMNS = ("case_id", "input", *OUR_COLUMNS)
_ROWS = {".csv": read_rows, ".tsv": read_rows, ".parquet": read_parquet_rows}


@dataclass(frozen=True)
class Case:
    """One scan to score: its name, where it is, its nodules, and the source that they were read from, if any."""

    case_id: str
    input: Path | RemoteScan
    nodules: tuple[Nodule, ...]
    source: NoduleSet | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if (twice := first_repeated(nodule.nodule_id for nodule in self.nodules)) is not None:
            raise UsageError(f"expected each nodule_id once in case {self.case_id}, got {twice!r} again")


def is_cases_table(path: Path) -> bool:
    """Return whether a path is a table of cases: CSV or Parquet with a column ``input``, or JSON that names inputs.

    Or a pattern, as ``parts/*.parquet``, of such tables only.
    """
    tables = _tables_at(path)
    return bool(tables) and all(map(_is_table, tables))


def read_cases(path: Path, *, frame: Frame | None = None, min_score: float = 0.0) -> list[Case]:
    """Return the cases of a table, in its order; inputs are relative to the table's folder, or URLs.

    Args:
        path: the table; or a pattern: of all tables that fit it, one after the other by name.
        frame: the frame of its positions, LPS or RAS; None is LPS.
        min_score: leaves out what a detector was less sure of, 0 to 1; nodules without a score stay.

    CSV, Parquet: one row a nodule, with the columns ``case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm`` (LPS mm);
    more columns become the nodule's attributes. JSON: a list of such rows as objects, or of
    ``{"case_id", "input", "nodules": [{"nodule_id", "center_lps_mm", "diameter_mm"}, ...]}``.

    Raises:
        UsageError: naming the file and the row, when a row is malformed or gives its case another input.
    """
    tables = _tables_at(path) or [path]
    found = [(table, case) for table in tables for case in _read_table(table, frame, min_score)]
    if (twice := first_repeated(case.case_id for _, case in found)) is not None:
        names = " and ".join(table.name for table, case in found if case.case_id == twice)
        raise UsageError(f"{path}: expected each case in one table, got {twice!r} in {names}")
    return [case for _, case in found]


def _tables_at(path: Path) -> list[Path]:
    """Return the file at a path, or, where there is none, those whose names fit it as a pattern."""
    if path.is_file() or not has_magic(str(path)):
        return [path] if path.is_file() else []
    names = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - takes an absolute pattern, too
    return [found for found in map(Path, names) if found.is_file()]


def _is_table(path: Path) -> bool:
    try:
        if path.suffix.lower() == ".json":
            return any("input" in entry for _, entry in _json_entries(path))
        return path.suffix.lower() in _ROWS and "input" in _ROWS[path.suffix.lower()](path)[0].cells
    except UsageError:
        return False


def _read_table(path: Path, frame: Frame | None, min_score: float) -> list[Case]:
    if path.suffix.lower() == ".json":
        return _grouped(path, _json_rows(path), frame, min_score)
    rows = _ROWS.get(path.suffix.lower(), read_rows)(path)
    missing = [name for name in CASE_COLUMNS if name not in rows[0].cells]
    if missing:
        got = ",".join(rows[0].cells)
        raise UsageError(
            f"{path.name}: expected the columns {','.join(CASE_COLUMNS)}, got no {', '.join(missing)} in {got}"
        )
    return _grouped(path, _csv_rows(rows), frame, min_score)


_CaseRow = tuple[str, str, str, tuple[Nodule, ...]]


def _csv_rows(rows: list[Row]) -> Iterable[_CaseRow]:
    """Yield (where, case_id, input, nodules) of each row."""
    inputs = [row.text("input") for row in rows]
    bare = [Row(row.table, row.number, {k: v for k, v in row.cells.items() if k != "input"}) for row in rows]
    nodules = nodules_of_rows(bare, case_column="case_id")
    for row, named_input, nodule in zip(rows, inputs, nodules, strict=True):
        yield f"row {row.number}", row.text("case_id"), named_input, (nodule,)


def _json_rows(path: Path) -> Iterable[_CaseRow]:
    for number, entry in _json_entries(path):
        where = f"entry {number}"
        case_id, named_input = entry.get("case_id"), entry.get("input")
        if not case_id or not isinstance(named_input, str) or not named_input:
            raise UsageError(f"{path.name} {where}: expected case_id and input, got {', '.join(entry) or 'nothing'}")
        nodules = entry.get("nodules", [entry])
        if not isinstance(nodules, list) or not all(isinstance(item, Mapping) for item in nodules):
            raise UsageError(f"{path.name} {where}: expected a list of objects in nodules, got {nodules!r}")
        try:
            yield where, str(case_id), named_input, tuple(_json_nodule(item, str(case_id)) for item in nodules)
        except UsageError as error:
            raise UsageError(f"{path.name} {where}: {error}") from error


def _json_nodule(item: Mapping[str, object], case_id: str) -> Nodule:
    """Return a nodule written with ``center_lps_mm`` or, as in the CSV, with ``x_mm``, ``y_mm``, ``z_mm``."""
    mapping = {key: value for key, value in item.items() if key != "input"}
    if {"x_mm", "y_mm", "z_mm"} <= set(mapping):
        mapping["center_lps_mm"] = [mapping.pop(name) for name in ("x_mm", "y_mm", "z_mm")]
    return nodule_from_mapping({**mapping, "case_id": case_id})


def _json_entries(path: Path) -> list[tuple[int, Mapping[str, object]]]:
    content = read_json(path)
    entries = content.get("cases") if isinstance(content, Mapping) else content
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path.name}: expected a list of cases, got {'an empty one' if entries == [] else 'none'}")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise UsageError(f"{path.name} entry {number}: expected an object, got {entry!r}")
    return list(enumerate(entries, 1))


def _grouped(path: Path, rows: Iterable[_CaseRow], frame: Frame | None, min_score: float) -> list[Case]:
    """Return the rows gathered by case, in the order in which the cases appear."""
    inputs: dict[str, str] = {}
    nodules: dict[str, dict[str, Nodule]] = {}
    for where, case_id, named_input, found in rows:
        if inputs.setdefault(case_id, named_input) != named_input:
            expected = f"expected the input {inputs[case_id]!r} of case {case_id!r}"
            raise UsageError(f"{path.name} {where}: {expected}, got {named_input!r}")
        here = nodules.setdefault(case_id, {})
        for nodule in found:
            if nodule.nodule_id in here:
                raise UsageError(
                    f"{path.name} {where}: expected each nodule_id once a case, got {nodule.nodule_id!r} again"
                )
            here[nodule.nodule_id] = nodule
    return [
        _case(case_id, place_of(path.parent, name), [*nodules[case_id].values()], frame, min_score)
        for case_id, name in inputs.items()
    ]


def _case(case_id: str, place: Path | RemoteScan, nodules: list[Nodule], frame: Frame | None, min_score: float) -> Case:
    confident = [nodule for nodule in nodules if nodule.detection_score is None or nodule.detection_score >= min_score]
    in_lps = tuple(swap_frame(nodule) if frame == "RAS" else nodule for nodule in confident)
    source = NoduleSet(in_lps, "cases_table", frame or "LPS", "stated" if frame else "implied")
    return Case(case_id, place, in_lps, source)


def name_of(scan: Path) -> str:
    """Return what a scan is called in a result: its file's or folder's name."""
    return scan.resolve().name or "scan"
