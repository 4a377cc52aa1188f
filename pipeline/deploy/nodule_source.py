"""Where the nodules of a study come from: a table that lies with it, or the object of it that marks some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodulus.pipeline.nodules.study_marks import the_marks
from nodulus.pipeline.writers.earlier_report import report_of_ours
from nodulus.transforms.problems import UsageError

_TABLES = (".csv", ".tsv", ".json")
_OR_GIVE = "a table of them in the input folder"


def nodule_source(folder: Path, objects: Sequence[Path], scan_uid: str) -> Path:
    """Return the file that says where the nodules of a series are.

    A table (CSV, TSV, JSON) at the top of the input folder is put there on purpose, and wins over what the study marks.

    Args:
        folder: the input folder.
        objects: the SEG, SR and RTSTRUCT of the series' study; reports of our own are no marks.
        scan_uid: the SeriesInstanceUID.

    Raises:
        UsageError: there is none, or which one is meant is not clear.
    """
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() in _TABLES and path.is_file())
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise UsageError(f"Expected one table of nodules in the input folder, got {len(tables)}: {names}")
    if tables:
        return tables[0]
    others = [path for path in objects if report_of_ours(path, scan_uid) is None]
    return the_marks(others, folder, scan_uid, _OR_GIVE)
