"""Localizers among the slices of a series: set aside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import SCOUT
from nodulus.transforms.gate.verdict import Gate

_MAX_UNLABELLED = 3


def set_scouts_aside(slices: Sequence[SliceHeader], gate: Gate) -> list[SliceHeader]:
    """Return the slices without localizers: those labelled so, and the few in another plane than the rest."""
    scouts = [is_labelled_scout(one) for one in slices]
    usual = [one for one, is_scout in zip(slices, scouts, strict=True) if not is_scout]
    across = [is_scout or off for is_scout, off in zip(scouts, _in_other_plane(slices, usual), strict=True)]
    # A few slices across the others are scouts; many are a second stack, which the gate refuses.
    if sum(across) <= max(_MAX_UNLABELLED, len(slices) // 10) + sum(scouts):
        scouts = across
    aside = [one for one, is_scout in zip(slices, scouts, strict=True) if is_scout]
    if not aside or len(aside) == len(slices):
        return list(slices)
    message = f"Expected slices only, got {len(aside)} localizers, set aside, first {aside[0].name}"
    gate.broken(SCOUT, message, [one.place for one in aside])
    return [one for one, is_scout in zip(slices, scouts, strict=True) if not is_scout]


def is_labelled_scout(one: SliceHeader) -> bool:
    """Return whether ImageType calls an image a localizer."""
    return "LOCALIZER" in one.image_type


def _in_other_plane(slices: Sequence[SliceHeader], usual: Sequence[SliceHeader]) -> list[bool]:
    """Return of each slice whether its plane is far off the plane that most of the usual ones have."""
    normals = [normal for one in usual if (normal := _normal(one)) is not None]
    if not normals:
        return [False] * len(slices)
    middle = np.median(normals, axis=0)
    limit = np.cos(np.radians(SCOUT.tolerance)) * np.linalg.norm(middle)
    return [bool((its := _normal(one)) is not None and abs(its @ middle) < limit) for one in slices]


def _normal(one: SliceHeader) -> NDArray[np.float64] | None:
    if one.orientation_lps is None or not all(map(math.isfinite, one.orientation_lps)):
        return None
    # Written out: numpy's cross takes a fifth of the time that a series takes to open.
    a, b, c, d, e, f = one.orientation_lps
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])
