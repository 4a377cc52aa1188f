"""The results of a run in files of bounded size, for programs that read many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from nodulus.pipeline.files import replacing_folder, write_text
from nodulus.transforms.problems import UsageError

from .record import CaseResult
from .results_csv import CSV_COLUMNS, csv_rows

PARTS = "parts"
PartFormat = Literal["jsonl", "parquet"]
CASES_A_PART = 1000
# Columns of results.csv that hold text; the others hold numbers.
_TEXT = {"case_id", "input", "status", "nodule_id", "flags"}
_TEXT_ENDS = ("problem",)
_TEXT_STARTS = ("above_",)


def check_part_format(kind: PartFormat | None) -> None:
    """Raise UsageError unless what writes the parts is installed."""
    if kind == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            msg = "Expected pyarrow for --parts parquet, got none: pip install 'nodulus[parquet]'"
            raise UsageError(msg) from error


def write_parts(cases: Sequence[CaseResult], output_dir: Path, kind: PartFormat | None) -> tuple[Path, ...]:
    """Write the results of all cases into a folder of files, a thousand cases each, and return their paths.

    Args:
        cases: in the table's order.
        output_dir: the run's folder.
        kind: ``jsonl``, a line a case, as the cases of results.json are; ``parquet``, a row a nodule, as in
            results.csv; None writes nothing.
    """
    if kind is None:
        return ()
    home = output_dir / PARTS
    names = []
    with replacing_folder(home) as folder:
        for number, start in enumerate(range(0, len(cases), CASES_A_PART)):
            names.append(f"part-{number:05d}.{kind}")
            _WRITERS[kind](cases[start : start + CASES_A_PART], folder / names[-1])
    return tuple(home / name for name in names)


def _write_lines(cases: Sequence[CaseResult], path: Path) -> None:
    write_text(path, "".join(f"{case.model_dump_json()}\n" for case in cases))


def _write_parquet(cases: Sequence[CaseResult], path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    rows = [row for case in cases for row in csv_rows(case)]
    columns = [_column(name, [row[place] for row in rows]) for place, name in enumerate(CSV_COLUMNS)]
    types = [pyarrow.string() if _is_text(name) else pyarrow.float64() for name in CSV_COLUMNS]
    schema = pyarrow.schema(list(zip(CSV_COLUMNS, types, strict=True)))
    write_table(pyarrow.table(columns, schema=schema), path)


def _column(name: str, cells: list[object]) -> list[object]:
    """Return the cells of a column, None where there is nothing."""
    if _is_text(name):
        return [str(cell).encode("utf-8", "backslashreplace").decode() if cell != "" else None for cell in cells]
    return [None if cell == "" else float(str(cell)) for cell in cells]


def _is_text(name: str) -> bool:
    return name in _TEXT or name.endswith(_TEXT_ENDS) or name.startswith(_TEXT_STARTS)


_WRITERS: dict[PartFormat, Callable[[Sequence[CaseResult], Path], None]] = {
    "jsonl": _write_lines,
    "parquet": _write_parquet,
}
