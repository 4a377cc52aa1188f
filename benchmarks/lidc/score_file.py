"""Every score of every test nodule as one table, so that others can pair theirs with it nodule by nodule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import write_text

from .scores import FoldScores

SCORE_FILE = "out_of_fold_scores.csv"
_DIGITS = 6


def write_scores(folds: Sequence[FoldScores], path: Path) -> Path:
    """Write a row a nodule and repeat, out of fold, and return the path.

    Columns: ``rep``, ``fold``, ``nodule_id`` (as the crops' table names it), ``label`` (median rule), and each score;
    of several networks a column each, in the order of their seeds.
    """
    rows = [row for fold in folds for row in _rows(fold)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return write_text(path, csv_text(columns, ([row.get(name, "") for name in columns] for row in rows)))


def _rows(fold: FoldScores) -> Iterator[dict[str, object]]:
    for index, item in enumerate(fold.nodules):
        row: dict[str, object] = {"rep": fold.key.rep, "fold": fold.key.fold, "nodule_id": item.nodule_id}
        row["label"] = item.label
        for name, values in fold.scores.items():
            for number, of_network in enumerate(values, 1):
                column = name if len(values) == 1 else f"{name}_{number}"
                row[column] = f"{of_network[index]:.{_DIGITS}g}"
        yield row
