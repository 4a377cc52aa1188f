"""How steady is a score? The same nodule, scored again with its point, its size and the scan's noise disturbed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.pipeline.results.stability import Cause, ScoreBand, Stability
from nodulus.transforms.geometry import BoxCorners
from nodulus.transforms.measures.noise import ScanNoise, scan_noise
from nodulus.transforms.patches.box import BOX_PER_DIAMETER, Box, as_triple, box_around
from nodulus.transforms.patches.neighbourhood import Neighbourhood, read_neighbourhood
from nodulus.transforms.problems import InputRefusedError

from .prediction import NodulePrediction

# What two readers, or one reader twice, would differ by: the point is moved by so much to each of six sides.
SHIFT_MM = 1.0
SIZES = (0.8, 1.2)
N_NOISE = 8

# Beyond the nodule's box: the margin that a patch shows, the shift, and even tissue to read the noise off.
_REACH_MM = (16.0, 16.0, 2.0)

Item = Mapping[str, Any]
Predict = Callable[[Sequence[Item]], list[NodulePrediction]]


def stability_of(item: Item, malignant: float, predict: Predict) -> Stability:
    """Return the band of a nodule's malignant probability under small changes of what was asked for.

    One thing is changed at a time. The scan about the nodule is read once for all of them.

    Args:
        item: the nodule's work item, with an opened scan.
        malignant: its probability, nothing changed; every band holds it.
        predict: scores work items, in their order.
    """
    try:
        around = read_neighbourhood(item["image"], _reach(item))
    except InputRefusedError as refusal:  # a slice beyond those that the score needs
        return Stability(problem=refusal.problem.message)
    noise = scan_noise(around.intensity_hu)
    causes, items = zip(*_variants({**item, "image": around.as_scan()}, around, noise), strict=True)
    scores: dict[Cause, list[float]] = {}
    for cause, prediction in zip(causes, predict(items), strict=True):
        scores.setdefault(cause, [malignant]).append(prediction.malignant)
    bands = {cause: ScoreBand(low=min(all_), high=max(all_), n=len(all_) - 1) for cause, all_ in scores.items()}
    return Stability(
        low=min(band.low for band in bands.values()),
        high=max(band.high for band in bands.values()),
        n=len(items),
        by_cause=bands,
        noise_hu=None if noise is None else round(noise.deviation_hu, 1),
    )


def _variants(item: Item, around: Neighbourhood, noise: ScanNoise | None) -> Iterator[tuple[Cause, Item]]:
    for axis in range(3):
        for shift_mm in (-SHIFT_MM, SHIFT_MM):
            yield "point", _moved(item, np.eye(3)[axis] * shift_mm)
    for factor in SIZES:
        yield "size", _sized(item, factor)
    if noise is not None:
        seed = _seed(item)
        for index in range(N_NOISE):
            draw = partial(_draw, noise, (seed, index))
            yield "noise", {**item, "image": around.as_scan(draw)}


def _draw(noise: ScanNoise, seed: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return noise.realisation(shape, np.random.default_rng(seed))


def _seed(item: Item) -> int:
    """Return a number that is the nodule's own, whatever it is called and whichever others are scored with it."""
    place = repr((as_triple(item["center_lps_mm"]), float(item["diameter_mm"])))
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big")


def _moved(item: Item, shift_mm: ArrayLike) -> Item:
    """Return the nodule at a point beside its own; a box of its own goes with it."""
    moved = {**item, "center_lps_mm": as_triple(np.add(item["center_lps_mm"], shift_mm))}
    box = item.get("box_lps_mm")
    return moved if box is None else {**moved, "box_lps_mm": tuple(np.add(box, np.tile(shift_mm, 2)).tolist())}


def _sized(item: Item, factor: float) -> Item:
    """Return the nodule with another diameter; a box of its own grows or shrinks about its middle by as much."""
    sized = {**item, "diameter_mm": float(item["diameter_mm"]) * factor}
    return sized if item.get("box_lps_mm") is None else {**sized, "box_lps_mm": _corners(_scaled(_box(item), factor))}


def _reach(item: Item) -> BoxCorners:
    """Return the box about all that any of the variants shows of the scan."""
    return _corners(_scaled(_box(item), max(SIZES)).grown(_REACH_MM))


def _box(item: Item) -> Box:
    corners = item.get("box_lps_mm")
    if corners is None:
        return box_around(item["center_lps_mm"], float(item["diameter_mm"]) * np.asarray(BOX_PER_DIAMETER))
    return Box(as_triple(corners[:3]), as_triple(corners[3:]))


def _scaled(box: Box, factor: float) -> Box:
    low, high = np.asarray(box.low_lps_mm), np.asarray(box.high_lps_mm)
    return box_around((low + high) / 2, (high - low) * factor)


def _corners(box: Box) -> BoxCorners:
    return (*box.low_lps_mm, *box.high_lps_mm)
