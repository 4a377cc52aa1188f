"""Which slices of a place belong together, and which series is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import (
    ALL_SCOUTS,
    ENOUGH_SLICES,
    MODALITY,
    NOT_TOO_THICK,
    OTHER_OBJECTS,
    READABLE,
    SERIES,
    SERIES_CHOSEN,
)
from nodulus.transforms.gate.verdict import Gate

from .claims import has_rescale, is_ct_image, is_projection
from .localizers import is_labelled_scout

Slices = list[SliceHeader]
Series = dict[str, Slices]


def choose_series(headers: Sequence[SliceHeader], series_uid: str | None, gate: Gate, place: str) -> Slices:
    """Return the slices of one CT series; never of two.

    Args:
        headers: all images of the place.
        series_uid: the series asked for; None leaves the choice to the rule.
        gate: what the choice is reported to.
        place: the folder or archive, as messages name it.
    """
    images = [one for one in headers if is_ct_image(one)]
    if series_uid is not None:
        images = [one for one in images if one.series_uid == series_uid]
        if not images:
            expected = f"Expected CT series {series_uid} in {place}"
            gate.broken(READABLE, f"{expected}, got {', '.join(_shown(headers)[:3])}", _shown(headers))
    elif not images:
        kinds = ", ".join(sorted({one.modality or "unknown" for one in headers})[:5])
        gate.broken(MODALITY, f"Expected CT images, got modality {kinds} in {place}", [one.name for one in headers])
    chosen = images if series_uid is not None else _pick(_by_uid(images), gate, place)
    if all(map(is_labelled_scout, chosen)):
        message = f"Expected slices, got nothing but {len(chosen)} localizers in {place}"
        gate.broken(ALL_SCOUTS, message, [one.place for one in chosen])
    if series_uid is None:
        _report_others(headers, chosen, gate)
    return chosen


def _shown(headers: Sequence[SliceHeader]) -> list[str]:
    """Return the series of a place as messages name them."""
    kinds = Counter((one.series_uid or "without UID", one.modality or "unknown") for one in headers)
    return [f"series {uid} of {n} {modality} images" for (uid, modality), n in sorted(kinds.items())]


def _by_uid(images: Sequence[SliceHeader]) -> Series:
    """Return the series by UID; those that hold nothing but localizers only where there are no others."""
    series: Series = defaultdict(list)
    for one in images:
        series[one.series_uid].append(one)
    volumes = {uid: slices for uid, slices in series.items() if not all(map(is_labelled_scout, slices))}
    return volumes or dict(series)


def _pick(series: Series, gate: Gate, place: str) -> Slices:
    candidates = {uid: its for uid, its in series.items() if _may_be_read(its, gate)} or _long_ones(series)
    uids = sorted(candidates, key=lambda uid: (*_rank(candidates[uid]), uid))
    if len(series) > 1:
        items = [f"series {uid}: {len(its)} slices" for uid, its in series.items()]
        frames = {slices[0].frame_of_reference_uid for slices in candidates.values()}
        if len(candidates) > 1 and (len(frames) > 1 or "" in frames):
            got = f"{len(candidates)} in {len(frames)} frames of reference"
            gate.broken(SERIES, f"Expected one series in {place}, got {got}: name one", items)
        why = "which has most slices" if len(candidates) > 1 else "the only one that can be"
        gate.broken(SERIES_CHOSEN, f"Expected one series in {place}, got {len(series)}; read {uids[0]}, {why}", items)
    return series[uids[0]]


def _may_be_read(slices: Slices, gate: Gate) -> bool:
    """Return whether a series breaks none of the rules that would have it refused whatever its slices show."""
    is_thick = max((one.thickness_mm or 0.0) for one in slices) > NOT_TOO_THICK.tolerance
    n_good = sum(has_rescale(one) and not is_projection(one) for one in slices)
    # A bad slice or two are for the gate to name; a series of them is another kind of image.
    return (
        len({one.position_lps_mm for one in slices}) >= ENOUGH_SLICES.tolerance
        and 2 * n_good > len(slices)
        and (not is_thick or gate.admits(NOT_TOO_THICK))
    )


def _long_ones(series: Series) -> Series:
    return {uid: its for uid, its in series.items() if len(its) >= ENOUGH_SLICES.tolerance} or series


def _rank(slices: Slices) -> tuple[bool, int, float]:
    is_original = slices[0].image_type[:3] == ("ORIGINAL", "PRIMARY", "AXIAL")
    return not is_original, -len(slices), slices[0].thickness_mm or np.inf


def _report_others(headers: Sequence[SliceHeader], chosen: Sequence[SliceHeader], gate: Gate) -> None:
    uid = chosen[0].series_uid
    others = [one for one in headers if one.series_uid == uid and not is_ct_image(one)]
    if others:
        what = f"{others[0].modality or 'unknown modality'} of class {others[0].sop_class or 'unknown'}"
        message = f"Expected CT images only in the series, got {what} in {others[0].name}, set aside"
        gate.broken(OTHER_OBJECTS, message, [one.place for one in others])
