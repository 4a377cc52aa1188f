"""Which slices of a place belong together, and which series is read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .gate import Gate
from .gate_rules import ENOUGH_SLICES, MODALITY, OTHER_OBJECTS, READABLE, SCOUT, SERIES, SERIES_CHOSEN
from .slice_checks import is_ct_image
from .slice_header import SliceHeader

Series = dict[str, list[SliceHeader]]

_MAX_UNLABELLED = 3


def choose_series(headers: Sequence[SliceHeader], series_uid: str | None, gate: Gate, place: str) -> list[SliceHeader]:
    """Return the slices of one CT series; never of two.

    Args:
        headers: all images of the place.
        series_uid: the series asked for; None leaves the choice to the rule.
        gate: what the choice is reported to.
        place: the folder or archive, as messages name it.
    """
    images = [one for one in headers if is_ct_image(one)]
    if series_uid is not None:
        asked = [one for one in images if one.series_uid == series_uid]
        if not asked:
            gate.broken(READABLE, f"Expected CT series {series_uid} in {place}, got {_uids(images)}")
        return asked
    if not images:
        kinds = ", ".join(sorted({one.modality or "unknown" for one in headers}))
        gate.broken(MODALITY, f"Expected CT images, got modality {kinds} in {place}", [one.name for one in headers])
    series = _by_uid(images)
    chosen = _pick(series, _candidates(series), gate, place)
    _report_others(headers, chosen, gate)
    return chosen


def _by_uid(images: Sequence[SliceHeader]) -> Series:
    """Return the series by UID; those that hold nothing but localizers only where there are no others."""
    series: Series = defaultdict(list)
    for one in images:
        series[one.series_uid].append(one)
    volumes = {uid: slices for uid, slices in series.items() if not all(map(_is_labelled_scout, slices))}
    return volumes or dict(series)


def _candidates(series: Series) -> Series:
    """Return the series that are long enough to be a volume, or all where none is."""
    return {uid: its for uid, its in series.items() if len(its) >= ENOUGH_SLICES.tolerance} or series


def _pick(series: Series, candidates: Series, gate: Gate, place: str) -> list[SliceHeader]:
    uids = sorted(series, key=lambda uid: (-len(series[uid]), series[uid][0].thickness_mm or np.inf, uid))
    if len(uids) > 1:
        items = [f"series {uid}: {len(series[uid])} slices" for uid in uids]
        frames = {slices[0].frame_of_reference_uid for slices in candidates.values()}
        if len(candidates) > 1 and (len(frames) > 1 or "" in frames):
            got = f"{len(candidates)} in {len(frames)} frames of reference"
            gate.broken(SERIES, f"Expected one series in {place}, got {got}: name one", items)
        chosen = f"Expected one series in {place}, got {len(uids)}; read {uids[0]}, which has most slices"
        gate.broken(SERIES_CHOSEN, chosen, items)
    return series[uids[0]]


def _report_others(headers: Sequence[SliceHeader], chosen: Sequence[SliceHeader], gate: Gate) -> None:
    uid = chosen[0].series_uid
    others = [one for one in headers if one.series_uid == uid and not is_ct_image(one)]
    if others:
        what = f"{others[0].modality or 'unknown modality'} of class {others[0].sop_class or 'unknown'}"
        message = f"Expected CT images only in the series, got {what} in {others[0].name}, set aside"
        gate.broken(OTHER_OBJECTS, message, [one.place for one in others])


def _uids(headers: Sequence[SliceHeader]) -> str:
    uids = sorted({one.series_uid for one in headers})
    return ", ".join(uids[:3]) + (f" and {len(uids) - 3} more" if len(uids) > 3 else "")


def set_scouts_aside(slices: Sequence[SliceHeader], gate: Gate) -> list[SliceHeader]:
    """Return the slices without localizers: those labelled so, and the few in another plane than the rest."""
    scouts = [_is_labelled_scout(one) for one in slices]
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


def _is_labelled_scout(one: SliceHeader) -> bool:
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
