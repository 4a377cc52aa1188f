"""Do the nodules of a data list lie in their images? What does not would train or count as air under a label."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_problem
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode
from nodulus.transforms.scan.cache import ScanCache

from .data_list import DataListItem


def nodules_outside(
    items: Iterable[DataListItem], folder: Path, allow: Collection[ProblemCode] = ()
) -> dict[str, Problem]:
    """Return why some nodules cannot be judged in their images, by nodule id.

    Args:
        items: of a data list.
        folder: that their image paths are relative to; it need not be there yet.
        allow: problem codes that the series gate may admit.

    Raises:
        InputRefusedError: an image cannot be read.
    """
    found, scans = {}, ScanCache()
    for item in items:
        # Only a path without .. can do without the folder.
        image = scans.open(os.path.normpath(folder / item.image), allow=allow, expect_lung=False)
        nodule = Nodule(item.nodule_id, item.center_lps_mm, item.diameter_mm, item.box_lps_mm)
        if problem := nodule_problem(nodule, image):
            found[item.nodule_id] = problem
    return found


def check_places(items: Iterable[DataListItem], folder: Path, allow: Collection[ProblemCode] = ()) -> None:
    """Raise the first problem of `nodules_outside`, and say how many more there are.

    Raises:
        InputRefusedError: ``nodule_outside`` and the like, or an image cannot be read.
    """
    problems = list(nodules_outside(items, folder, allow).values())
    if problems:
        more = f" (and {len(problems) - 1} more nodules of the list)" if len(problems) > 1 else ""
        first = problems[0]
        raise InputRefusedError(Problem(first.code, first.message + more, first.items))
