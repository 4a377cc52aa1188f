"""From what a collection marks to a data list: scans opened once, nodules cut out, patients divided, leaks refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from nodulus.pipeline.data.data_list import DataList, DataListItem, hash_data, write_data_list
from nodulus.pipeline.data.folds import Division
from nodulus.pipeline.data.list_checks import check_list
from nodulus.pipeline.file_names import file_names
from nodulus.pipeline.files import check_output_dir, sha256_of
from nodulus.pipeline.nodules.nodule import Nodule, first_repeated
from nodulus.pipeline.nodules.placement import nodule_problem
from nodulus.transforms.measures.point_diameter import diameter_at
from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

from .crop import MARGIN_MM, write_crop
from .found import FoundNodule
from .leaks import ScanOwners
from .positions import center_of

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Making:
    """How a list is made.

    Args:
        division: of the patients.
        margin_mm: what a crop holds beyond the nodule's box.
        else_diameter_mm: of a nodule whose diameter is neither stated nor to be measured; None leaves it out.
        allow: problems of scans that the series gate may admit.
    """

    division: Division = field(default_factory=Division)
    margin_mm: float = MARGIN_MM
    else_diameter_mm: float | None = None
    allow: frozenset[ProblemCode] = frozenset()


def assemble(
    nodules: Sequence[FoundNodule],
    out: Path,
    head: Mapping[str, object],
    making: Making,
    tell: Tell = lambda what, done, of: None,
) -> DataList:
    """Write the data list of nodules, and a crop of each beside it in a folder of the list's name; return the list.

    A scan that the gate refuses, and a nodule that cannot be judged in its scan, are left out: the list's ``left_out``
    names each with its reason.

    Args:
        nodules: of a collection.
        out: where the list is written, JSON.
        head: the list's name, ``label_meaning``, licence.
        making: how it is made.
        tell: is told how far it is.

    Raises:
        UsageError: two patients share a scan, a name stands twice, nothing is left, there are fewer patients than
            folds, or ``out`` cannot be written.
    """
    if out.is_dir():
        raise UsageError(f"Expected a JSON file to write the list to, got the folder {out}")
    check_output_dir(out.parent)
    if (name := first_repeated(nodule.nodule_id for nodule in nodules)) is not None:
        raise UsageError(f"Expected each nodule's name once, got {name!r} twice")
    owners = ScanOwners()
    owners.check_places(nodules)
    left_out: dict[str, str] = {}
    items = list(_items(nodules, out, making, owners, left_out, tell))
    if not items:
        first = next(iter(left_out.items()), ("", "no nodule is marked"))
        raise UsageError(f"Expected nodules for {out.name}, got none of {len(nodules)}: {' '.join(first).strip()}")
    parts = making.division.divide(items)
    data = DataList(training=tuple(parts["training"]), validation=tuple(parts["validation"]), test=tuple(parts["test"]))
    check_list(data, out)
    division = making.division
    about: dict[str, object] = {}
    if not division.is_only_test:
        about = {"folds": division.folds, "fold": division.fold, "seed": division.seed}
    about |= {"left_out": [{"nodule_id": name, "reason": reason} for name, reason in left_out.items()]}
    named = DataList.model_validate({**head, **about, **dict(data), "data_hash": hash_data(data)})
    write_data_list(named, out)
    return named


def _items(
    nodules: Sequence[FoundNodule],
    out: Path,
    making: Making,
    owners: ScanOwners,
    left_out: dict[str, str],
    tell: Tell,
) -> Iterator[DataListItem]:
    """Yield the item of each nodule, scan by scan; note why one is left out."""
    crops = out.parent / f"{out.stem}_crops"
    names = dict(
        zip(
            (nodule.nodule_id for nodule in nodules),
            file_names([nodule.nodule_id for nodule in nodules], ".nii.gz", "nodule"),
            strict=True,
        )
    )
    in_scan = [list(group) for _, group in groupby(sorted(nodules, key=_scan_of), key=_scan_of)]
    for done, group in enumerate(in_scan):
        tell("cutting nodules out of scans", done, len(in_scan))
        first = group[0]
        try:
            volume = open_ct(first.scan, allow=making.allow, series_uid=first.series_uid, expect_lung=False)
            owners.check_voxels(first, volume)
        except InputRefusedError as error:
            left_out |= dict.fromkeys((nodule.nodule_id for nodule in group), str(error.problem))
            continue
        for nodule in group:
            path = crops / names[nodule.nodule_id]
            try:
                placed = _placed(nodule, volume, making.else_diameter_mm)
                crops.mkdir(parents=True, exist_ok=True)
                write_crop(volume, placed, making.margin_mm, path)
            except InputRefusedError as error:
                left_out[nodule.nodule_id] = str(error.problem)
            except UsageError as error:
                left_out[nodule.nodule_id] = str(error)
            else:
                yield _item(nodule, placed, volume, path, out.parent)


def _scan_of(nodule: FoundNodule) -> tuple[str, str]:
    return str(nodule.scan), nodule.series_uid or ""


def _placed(nodule: FoundNodule, volume: CTVolume, else_diameter_mm: float | None) -> Nodule:
    """Return a nodule in the world, its diameter measured where nobody states it."""
    center_lps_mm, diameter_mm, doubt = center_of(nodule, volume), nodule.diameter_mm, ""
    if diameter_mm is None and volume.grid.contains_lps(center_lps_mm):
        diameter_mm, doubt = diameter_at(volume, center_lps_mm)
    diameter_mm = else_diameter_mm if diameter_mm is None else diameter_mm
    if diameter_mm is None:
        raise UsageError(f"Expected a diameter, got none and none can be measured: {doubt or 'it is not in the scan'}")
    placed = Nodule(nodule.nodule_id, center_lps_mm, diameter_mm, nodule.box_lps_mm)
    if problem := nodule_problem(placed, volume):
        raise InputRefusedError(problem)
    return placed


def _item(nodule: FoundNodule, placed: Nodule, volume: CTVolume, crop: Path, folder: Path) -> DataListItem:
    known = volume.attributes
    seen = {key: known[key] for key in ("manufacturer", "slice_thickness_mm") if known.get(key)}
    return DataListItem.model_validate(
        {
            **seen,
            "pixel_spacing_mm": round(volume.grid.spacing_mm[0], 4),
            "slice_spacing_mm": round(volume.grid.spacing_mm[2], 4),
            **({"series_uid": nodule.series_uid} if nodule.series_uid else {}),
            **({"diameter_measured": True} if nodule.diameter_mm is None else {}),
            **nodule.notes,
            "image": Path(os.path.relpath(crop, folder)).as_posix(),
            "image_sha256": sha256_of(crop),
            "nodule_id": nodule.nodule_id,
            "patient_id": nodule.patient_id,
            "center_lps_mm": placed.center_lps_mm,
            "diameter_mm": placed.diameter_mm,
            "box_lps_mm": placed.box_lps_mm,
            "label": nodule.label,
            "ratings": None if nodule.ratings is None else list(nodule.ratings),
            "characteristics": nodule.characteristics,
        }
    )
