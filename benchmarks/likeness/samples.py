"""Measures of nodules and of places without one, each as its patch shows it at inference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.places import BUNDLE
from benchmarks.release.flag_rates import CROPS_ALLOW
from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.nodule_likeness import PatchShape, measures_of
from nodulus.transforms.patches.nodule_patch import PatchCutter
from nodulus.transforms.scan.open import open_ct

from .places import Place

# A point that somebody gives is off by up to this part of the diameter, and a diameter by this factor.
OFF_BY, OFF_BY_MM, SIZE_OFF = 0.15, 1.5, 0.15


@dataclass(frozen=True, eq=False)
class Samples:
    """Measures, a row each, and of what.

    Args:
        measures: (n, MEASURES).
        is_nodule: or a place.
        group: a nodule's patient, or a place's scan.
        kind: a nodule's view (own box, diameter box, disturbed), or a place's region.
        split: training or validation; of places the scan.
    """

    measures: NDArray[np.float64]
    is_nodule: NDArray[np.bool_]
    group: NDArray[np.str_]
    kind: NDArray[np.str_]
    split: NDArray[np.str_]

    def part(self, chosen: NDArray[np.bool_]) -> Samples:
        """Return some of the rows."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})

    def with_more(self, others: Samples) -> Samples:
        """Return these rows and others."""
        parts = {name: (getattr(self, name), getattr(others, name)) for name in self.__dataclass_fields__}
        return replace(self, **{name: np.concatenate(pair) for name, pair in parts.items()})


# Its measures, whether it is a nodule, its group, its kind and its split.
Row = tuple[NDArray[np.float64], bool, str, str, str]


@cache
def patch_shape(bundle: Path = BUNDLE) -> PatchShape:
    """Return how a bundle's patches are cut."""
    config = read_json_as(dict[str, Any], bundle / INFERENCE_CONFIG, "the bundle's config")
    return PatchShape(**{name: config[name] for name in PatchShape.model_fields})


def patch_cutter() -> PatchCutter:
    """Return what cuts patches as the bundle does."""
    shape = patch_shape()
    return PatchCutter(shape.patch_size, shape.patch_spacing_mm, shape.margin_mm)


def measure_nodules(nodules: Iterable[tuple[str, DataListItem]], folder: Path, random: np.random.Generator) -> Samples:
    """Return the measures of nodules; rows that cannot be told are left out.

    Args:
        nodules: the split and the nodule; each is seen through its own box, through the one its diameter implies, and
            through both as somebody would give them, a little off.
        folder: that their images are relative to.
        random: draws how far they are off.
    """
    rows: list[Row] = []
    for split, item in nodules:
        volume = open_ct(folder / item.image, allow=CROPS_ALLOW, expect_lung=False)
        rows += [
            (_measured({"image": volume, **view}), True, item.patient_id, kind, split)
            for kind, view in _views(item, random)
        ]
    return _joined(rows)


def measure_places(places: Iterable[Place]) -> Samples:
    """Return the measures of places without a nodule; rows that cannot be told are left out."""
    rows: list[Row] = []
    for place in places:
        item = {"image": place.volume, "diameter_mm": place.diameter_mm}
        item |= {"center_lps_mm": place.center_lps_mm, "box_lps_mm": place.box_lps_mm}
        rows.append((_measured(item), False, place.scan, place.region, place.scan))
    return _joined(rows)


def _measured(item: Mapping[str, Any]) -> NDArray[np.float64]:
    return measures_of(patch_cutter().cut_item(item).facts(patch_shape().patch_spacing_mm, item["diameter_mm"]))


def _views(item: DataListItem, random: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the four ways in which a nodule is seen."""
    for kind, box in (("own box", item.box_lps_mm), ("diameter box", None)):
        plain = {"center_lps_mm": item.center_lps_mm, "diameter_mm": item.diameter_mm, "box_lps_mm": box}
        yield kind, plain
        off_mm = random.uniform(-1, 1, 3) * min(OFF_BY * item.diameter_mm, OFF_BY_MM)
        diameter_mm = item.diameter_mm * float(np.exp(random.uniform(-SIZE_OFF, SIZE_OFF)))
        center = tuple(np.asarray(item.center_lps_mm) + off_mm)
        yield f"{kind}, off", plain | {"center_lps_mm": center, "diameter_mm": diameter_mm}


def _joined(rows: Sequence[Row]) -> Samples:
    told = [row for row in rows if np.isfinite(row[0]).all()]
    measures, is_nodule, group, kind, split = (np.asarray(column) for column in zip(*told, strict=True))
    return Samples(measures, is_nodule, group, kind, split)
