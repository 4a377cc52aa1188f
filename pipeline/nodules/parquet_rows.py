"""The rows of a table that is kept as Parquet, as those of a CSV are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.transforms.problems import UsageError

from .nodule_file import MAX_TABLE_BYTES, read_bounded
from .table_rows import MAX_ROWS, Row, column_name

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

# A dictionary lets a few bytes of a file stand for long texts in every row: few are read at a time, and counted.
_BATCH_ROWS = 16
_MAX_LETTERS = 4 * MAX_TABLE_BYTES


def read_parquet_rows(path: Path) -> list[Row]:
    """Return the rows of a Parquet file; numbers become text with all their digits, nulls empty cells.

    Raises:
        UsageError: it cannot be read, is too large, or pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise UsageError(
            f"{path.name}: expected pyarrow to read Parquet, got none: pip install 'nodulus[parquet]'"
        ) from error
    try:
        with ParquetFile(io.BytesIO(read_bounded(path, MAX_TABLE_BYTES))) as file:
            if not 1 <= file.metadata.num_rows <= MAX_ROWS:
                got = file.metadata.num_rows
                raise UsageError(f"{path.name}: expected 1 to {MAX_ROWS} rows, got {got}")
            return list(_rows(path, file))
    except (pyarrow.ArrowException, OSError) as error:
        got = str(error).splitlines()[0]
        raise UsageError(f"{path.name}: expected a Parquet table, got {got}") from error


def _rows(path: Path, file: ParquetFile) -> Iterator[Row]:
    names = [column_name(name) for name in file.schema_arrow.names]
    if len(set(names)) < len(names):
        raise UsageError(f"{path.name}: expected each column once, got {', '.join(names)}")
    n_letters, number = 0, 1
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        for place in range(batch.num_rows):
            texts = [_text(column[place].as_py()) for column in batch.columns]
            n_letters += sum(map(len, texts))
            if n_letters > _MAX_LETTERS:
                raise UsageError(f"{path.name}: expected at most {_MAX_LETTERS >> 20} MiB once read, got more")
            number += 1
            yield Row(path.name, number, dict(zip(names, texts, strict=True)))


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
