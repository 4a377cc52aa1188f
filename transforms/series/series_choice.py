"""Which slices of a place belong together, and which series is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.dicom.sop_classes import class_name
from nodulus.transforms.gate.place_rules import READABLE
from nodulus.transforms.gate.series_rules import (
    ALL_LOCALIZERS,
    ENOUGH_SLICES,
    MODALITY,
    OTHER_OBJECTS,
    SERIES,
    SERIES_CHOSEN,
)
from nodulus.transforms.gate.value_rules import NOT_TOO_THICK
from nodulus.transforms.gate.verdict import Gate

from .claims import has_rescale, is_ct_image, is_projection, names_other_quantity
from .localizers import is_labelled_localizer

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
    images = [header for header in headers if is_ct_image(header)]
    if series_uid is not None:
        images = [header for header in images if header.series_uid == series_uid]
        if not images:
            shown = _shown(headers)
            gate.refuse(READABLE, ", ".join(shown[:3]), place, shown, expected=f"CT series {series_uid}")
    elif not images:
        names = [header.name for header in headers]
        gate.refuse(MODALITY, _kinds_of(headers), place, names, expected="CT images")
    chosen = images if series_uid is not None else _pick(_by_uid(images), gate, place)
    if all(map(is_labelled_localizer, chosen)):
        places = [header.place for header in chosen]
        gate.refuse(ALL_LOCALIZERS, f"nothing but {len(chosen)} localizers", place, places, expected="slices")
    if series_uid is None:
        _report_others(headers, chosen, gate)
    return chosen


def _kinds_of(headers: Sequence[SliceHeader]) -> str:
    """Return what kinds of objects there are instead of CT images: by SOP class where the modality says CT."""
    kinds = Counter(
        f"SOP class {class_name(header.sop_class)} of modality CT"
        if header.modality in ("CT", "")
        else f"modality {header.modality}"
        for header in headers
    )
    return ", ".join(f"{kind} ({n} files)" for kind, n in kinds.most_common(3))


def _shown(headers: Sequence[SliceHeader]) -> list[str]:
    """Return the series of a place as messages name them."""
    kinds = Counter((header.series_uid or "without UID", header.modality or "unknown") for header in headers)
    return [f"series {uid} of {n} {modality} images" for (uid, modality), n in sorted(kinds.items())]


def _by_uid(images: Sequence[SliceHeader]) -> Series:
    """Return the series by UID; those that hold nothing but localizers only where there are no others."""
    series: Series = defaultdict(list)
    for header in images:
        series[header.series_uid].append(header)
    volumes = {uid: slices for uid, slices in series.items() if not all(map(is_labelled_localizer, slices))}
    return volumes or dict(series)


def _pick(series: Series, gate: Gate, place: str) -> Slices:
    candidates = {uid: slices for uid, slices in series.items() if _may_be_read(slices, gate)} or _long_ones(series)
    if len(series) > 1 and max(map(len, series.values())) < ENOUGH_SLICES.limit:
        _judge_crumbs(series, gate, place)
    uids = sorted(candidates, key=lambda uid: (*_rank(candidates[uid]), uid))
    if len(series) > 1:
        items = [f"series {uid}: {len(slices)} slices" for uid, slices in series.items()]
        frames = {slices[0].frame_of_reference_uid for slices in candidates.values()}
        if len(candidates) > 1 and (len(frames) > 1 or "" in frames):
            got = f"{len(candidates)} in {len(frames)} frames of reference ({_named(candidates, uids)})"
            gate.judge(SERIES, got, place, items, expected="one series", outcome="name one with --series UID")
        why = "which has most slices" if len(candidates) > 1 else "the only one that can be"
        outcome = f"read {uids[0]}, {why}"
        others = {uid: slices for uid, slices in series.items() if uid != uids[0]}
        got = f"{len(series)} (also {_named(others, list(others))})"
        outcome = f"{outcome}; --series UID reads another"
        gate.judge(SERIES_CHOSEN, got, place, items, expected="one series", outcome=outcome)
    return series[uids[0]]


def _judge_crumbs(series: Series, gate: Gate, place: str) -> None:
    """Judge slices that are a series each, or nearly: no volume can be made of them."""
    most = max(map(len, series.values()))
    size = "one slice" if most == 1 else f"at most {most} slices"
    items = [f"series {uid}: {slices[0].place}" for uid, slices in series.items()]
    gate.judge(SERIES, f"{len(series)} series of {size} each", place, items, expected="one series of many slices")


def _named(series: Series, uids: list[str]) -> str:
    """Return the first two series by UID, and how many more there are."""
    shown = ", ".join(f"{uid or 'without UID'}: {len(series[uid])} slices" for uid in uids[:2])
    return f"{shown} and {len(uids) - 2} more" if len(uids) > 2 else shown


def _may_be_read(slices: Slices, gate: Gate) -> bool:
    """Return whether a series breaks none of the rules that would have it refused whatever its slices show."""
    is_thick = max((header.thickness_mm or 0.0) for header in slices) > NOT_TOO_THICK.limit
    n_good = sum(_shows_hounsfield(header) for header in slices)
    # A bad slice or two are for the gate to name; a series of them is another kind of image.
    return (
        len({header.position_lps_mm for header in slices}) >= ENOUGH_SLICES.limit
        and 2 * n_good > len(slices)
        and (not is_thick or gate.admits(NOT_TOO_THICK))
    )


def _shows_hounsfield(header: SliceHeader) -> bool:
    return has_rescale(header) and not is_projection(header) and not names_other_quantity(header)


def _long_ones(series: Series) -> Series:
    return {uid: slices for uid, slices in series.items() if len(slices) >= ENOUGH_SLICES.limit} or series


def _rank(slices: Slices) -> tuple[bool, int, float]:
    is_original = slices[0].image_type[:3] == ("ORIGINAL", "PRIMARY", "AXIAL")
    return not is_original, -len(slices), slices[0].thickness_mm or np.inf


def _report_others(headers: Sequence[SliceHeader], chosen: Sequence[SliceHeader], gate: Gate) -> None:
    # One that has lost its series UID may be of any series.
    uids = (chosen[0].series_uid, "")
    others = [header for header in headers if header.series_uid in uids and not is_ct_image(header)]
    if others:
        got = f"{others[0].modality or 'unknown modality'} of SOP class {class_name(others[0].sop_class)}"
        places = [header.place for header in others]
        gate.judge(OTHER_OBJECTS, got, others[0].name, places, outcome="set aside")
