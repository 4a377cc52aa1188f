"""Localizers among the slices of a series: set aside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import LOCALIZER
from nodulus.transforms.gate.verdict import Gate


def set_localizers_aside(slices: Sequence[SliceHeader], gate: Gate) -> list[SliceHeader]:
    """Return the slices without localizers: those labelled so, and the few in another plane than the rest."""
    labelled = [is_labelled_localizer(header) for header in slices]
    usual = [header for header, is_labelled in zip(slices, labelled, strict=True) if not is_labelled]
    off_plane = _in_other_plane(slices, usual)
    either = [is_labelled or is_off for is_labelled, is_off in zip(labelled, off_plane, strict=True)]
    # A few slices across the others are localizers; many are a second stack, which the gate refuses.
    part = len(slices) * LOCALIZER["or_at_most"] // 100
    is_localizer = either if sum(either) <= max(LOCALIZER["unlabelled_at_most"], part) + sum(labelled) else labelled
    aside = [header for header, is_aside in zip(slices, is_localizer, strict=True) if is_aside]
    if not aside or len(aside) == len(slices):
        return list(slices)
    got = f"{len(aside)} localizers, set aside, first {aside[0].name}"
    gate.judge(LOCALIZER, got, items=[header.place for header in aside], expected="slices only")
    return [header for header, is_aside in zip(slices, is_localizer, strict=True) if not is_aside]


def is_labelled_localizer(header: SliceHeader) -> bool:
    """Return whether ImageType calls an image a localizer."""
    return "LOCALIZER" in header.image_type


def _in_other_plane(slices: Sequence[SliceHeader], usual: Sequence[SliceHeader]) -> list[bool]:
    """Return of each slice whether its plane is far off the plane that most of the usual ones have."""
    usual_normals = [normal for header in usual if (normal := _normal(header)) is not None]
    if not usual_normals:
        return [False] * len(slices)
    middle = np.median(usual_normals, axis=0)
    limit = np.cos(np.radians(LOCALIZER["off_the_plane"])) * np.linalg.norm(middle)
    normals = map(_normal, slices)
    return [normal is not None and bool(abs(normal @ middle) < limit) for normal in normals]


def _normal(header: SliceHeader) -> NDArray[np.float64] | None:
    if header.orientation_lps is None or not all(map(math.isfinite, header.orientation_lps)):
        return None
    # Written out: numpy's cross takes a fifth of the time that a series takes to open.
    a, b, c, d, e, f = header.orientation_lps
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])
