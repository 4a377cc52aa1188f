"""Which object of a study marks the nodules of one of its scans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodulus.transforms.problems import InputRefusedError, UsageError

from .sources import read_nodules

# The modalities of objects that may mark nodules.
MARKS = ("SEG", "SR", "RTSTRUCT")


def the_marks(objects: Sequence[Path], scan: Path, scan_uid: str, or_give: str) -> Path:
    """Return the one object that marks nodules in a series.

    Args:
        objects: of the study, but for reports of our own.
        scan: where the series is.
        scan_uid: its SeriesInstanceUID.
        or_give: what the user can give instead, as messages name it.

    Raises:
        UsageError: there is none, or several are.
    """
    found, reasons = [], []
    for path in objects:
        try:
            read_nodules(path, scan=scan, series_uid=scan_uid)
        except (UsageError, InputRefusedError) as refusal:
            reasons.append(str(refusal))
        else:
            found.append(path)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(path) for path in found)
        raise UsageError(f"Expected one object that marks nodules, got {len(found)}: {or_give}, one of {names}")
    told = f" ({'; '.join(reasons)})" if reasons else ""
    raise UsageError(f"Expected nodules marked in the study ({', '.join(MARKS)}) or {or_give}, got none{told}")
