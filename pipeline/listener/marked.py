"""The nodules that a study's own objects mark, or in a word why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodulus.pipeline.nodules.sources import NoduleSet, read_nodules
from nodulus.transforms.problems import InputRefusedError, UsageError


class NoNodulesError(ValueError):
    """Nothing tells where the nodules of a scan are, or too much does; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def marked_nodules(scan: Path, series_uid: str, objects: Sequence[Path]) -> NoduleSet:
    """Return the nodules that the one object marks which marks some in a scan.

    Args:
        scan: its folder.
        series_uid: its SeriesInstanceUID.
        objects: those of the study that may mark nodules; reports of our own are not among them.

    Raises:
        NoNodulesError: none does, or several do: which is meant nobody can be asked.
    """
    found = []
    for path in objects:
        try:
            found.append(read_nodules(path, scan=scan, series_uid=series_uid))
        except (UsageError, InputRefusedError):
            continue
    if len(found) != 1:
        raise NoNodulesError("several_marks" if found else "no_marks")
    return found[0]
