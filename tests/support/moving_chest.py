"""A field with some structure in all directions, as anatomy has, and what breathing, contrast and noise do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from tests.support.dicom_series_writer import SeriesSpec

Floats = NDArray[np.float64]
SPEC = SeriesSpec(
    columns=40,
    rows=36,
    spacing_rows_columns_mm=(1.0, 1.0),
    positions=tuple(range(20)),
    thickness_mm=2.0,
    intercepts=(-1024.0,),
)


def chest_hu(points_lps_mm: Floats) -> Floats:
    """Return a smooth field of -800 to 200 HU whose slices are the less alike the further apart they are."""
    x, y, z = np.moveaxis(points_lps_mm, -1, 0)
    return np.asarray(300 * np.sin(x / 5 + z / 16) + 200 * np.sin(y / 4 - z / 12) - 300)


def shown(
    moved_mm: float = 0.0, brighter_hu: float = 0.0, noise_hu: float = 0.0, seed: int = 0
) -> Callable[[Floats], Floats]:
    """Return the field moved along the body, its soft tissue brighter, with noise."""
    rng = np.random.default_rng(seed)

    def field(points: Floats) -> Floats:
        hu = chest_hu(points + np.array([0.0, 0.0, moved_mm]))
        return np.asarray(hu + brighter_hu * (hu > -200) + noise_hu * rng.standard_normal(hu.shape))

    return field


def phase(first_mm: float, field: Callable[[Floats], Floats], first_number: int = 1, **tags: Any) -> list[Dataset]:
    """Return the slices of one acquisition; a tag's value may be a function of the slice's index."""
    slices = replace(SPEC, origin_lps_mm=(-6.0, -5.0, first_mm), field_hu=field).slices()
    for index, ds in enumerate(slices):
        ds.InstanceNumber = first_number + index
        for keyword, value in tags.items():
            setattr(ds, keyword, value(index) if callable(value) else value)
    return slices
