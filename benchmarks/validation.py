"""The validation nodules of LIDC-IDRI, in bins of size, with intervals that draw patients anew; parts of pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.pipeline.bundle.folder import TRAINING_PATIENTS
from nodulus.pipeline.data.data_list import DataListItem, read_data_list
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.files import write_text
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.problems import UsageError

from .places import BUNDLE

# Diameters in mm: below the first edge, between each two, from the last on.
SIZE_EDGES_MM = (6.0, 10.0, 20.0)


def validation_items(data: Path) -> tuple[DataListItem, ...]:
    """Return the validation nodules of a data list.

    Raises:
        UsageError: the bundle's weights were trained on some of their patients.
    """
    items = read_data_list(data).validation
    known = read_training_patients(BUNDLE / TRAINING_PATIENTS)
    if seen := overlap({item.patient_id for item in items}, known):
        raise UsageError(f"Expected validation patients that the weights have not seen, got {seen[0]} in {data}")
    return items


def size_bins(diameters_mm: ArrayLike) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the name of each bin of size and which nodules are of it; first all together, empty bins left out."""
    sizes = np.asarray(diameters_mm, dtype=np.float64)
    edges = (0.0, *SIZE_EDGES_MM, np.inf)
    names = [f"below {edges[1]:g} mm", *(f"{a:g} to {b:g} mm" for a, b in pairwise(edges[1:-1]))]
    names.append(f"from {edges[-2]:g} mm on")
    parts = [(sizes >= a) & (sizes < b) for a, b in pairwise(edges)]
    every = np.ones(len(sizes), dtype=np.bool_)
    return [("all", every), *((name, part) for name, part in zip(names, parts, strict=True) if part.any())]


def mean_of(values: ArrayLike, patients: Sequence[str]) -> Estimate:
    """Return the mean of one value a nodule, with the interval of 2000 draws of patients."""
    each = np.asarray(values, dtype=np.float64)
    weights = patient_weights(patients)
    totals = weights.sum(axis=1)
    sampled = np.divide(weights @ each, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    return estimate(float(each.mean()), sampled)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose first column is words and whose others are numbers."""
    lines = [list(map(str, head)), ["---", *["---:"] * (len(head) - 1)], *(list(map(str, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_between(page: Path, start: str, end: str, text: str) -> None:
    """Write a text between two markers of a page.

    Raises:
        ValueError: the page lacks them.
    """
    before, found_start, rest = page.read_text(encoding="utf-8").partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(f"Expected the markers {start} and {end} in {page.name}, got none")
    write_text(page, f"{before}{start}\n\n{text}\n\n{end}{after}")
