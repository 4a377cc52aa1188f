"""What is asked for its flag: held-out nodules, phantom nodules, and places where no nodule is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.places import data_dir
from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.phantom import PhantomSpec, make_phantom
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume, volume_from_array

from .body_regions import body_regions

Item = dict[str, Any]

CHEST_SCANS = ("lidc_dicom/LIDC-IDRI-0001.zip", "lidc_dicom/LIDC-IDRI-0003.zip", "chest_nifti/chest_cta.nii.gz")
ABDOMEN = "chest_nifti/abdomen_no_lung.nii.gz"


@dataclass(frozen=True)
class Group:
    """Items that should, or should not, be flagged, all of one kind.

    Args:
        name: what they are.
        source: the scan or list that they are of.
        items: as the inference config takes them.
    """

    name: str
    source: str
    items: Sequence[Item]


def lidc_list(folder: Path) -> Path:
    """Write the data list of the LIDC-IDRI crops into a folder and return its path."""
    path = folder / "flag_rates_list.json"
    prepare_lidc(data_dir() / "lidc_nodules", path)
    return path


def nodule_groups(data: Path, training_patients: Path | None) -> Iterator[Group]:
    """Yield the validation nodules, seen through their own box and through the one that the diameter implies.

    Raises:
        UsageError: the weights were trained on some of their patients.
    """
    if training_patients is not None:
        patients = {item.patient_id for item in read_data_list(data).validation}
        if seen := overlap(patients, read_training_patients(training_patients)):
            raise UsageError(f"Expected validation patients that the weights have not seen, got {seen[0]} in {data}")
    yield Group("validation nodules, own box", "lidc_nodules", load_data_list(data, "validation"))
    diameter_boxes = load_data_list(data, "validation", boxes="diameter")
    yield Group("validation nodules, diameter box", "lidc_nodules", diameter_boxes)


def phantom_groups(n_phantoms: int) -> Iterator[Group]:
    """Yield the nodules of some phantom studies."""
    for seed in range(n_phantoms):
        phantom = make_phantom(PhantomSpec(seed=seed))
        grid = Grid(phantom.spec.size_xyz, phantom.affine_lps)
        volume = volume_from_array(phantom.intensity_hu.astype(np.float32), grid)
        items = [_item(volume, nodule.center_lps_mm, nodule.diameter_mm) for nodule in phantom.nodules]
        yield Group("phantom nodules", f"phantom {seed}", items)


def point_groups(data: Path, n_points: int, random: np.random.Generator) -> Iterator[Group]:
    """Yield points where no nodule is, with diameters drawn from the training nodules' and no box."""
    diameters_mm = [item.diameter_mm for item in read_data_list(data).training]
    for name in (*CHEST_SCANS, ABDOMEN):
        if not (data_dir() / name).is_file():
            print(f"skipped: no {name} in {data_dir()} (set NODULUS_DATA)", file=sys.stderr)  # noqa: T201
            continue
        volume = open_ct(data_dir() / name)
        for region, points in body_regions(volume).items():
            chosen = points[random.choice(len(points), min(n_points, len(points)), replace=False)]
            items = [_item(volume, point, random.choice(diameters_mm)) for point in chosen]
            yield Group(f"abdominal scan: {region}" if name == ABDOMEN else region, Path(name).name, items)


def _item(volume: CTVolume, center_lps_mm: Iterable[float], diameter_mm: float) -> Item:
    return {
        "image": volume,
        "nodule_id": "1",
        "center_lps_mm": tuple(float(part) for part in center_lps_mm),
        "diameter_mm": float(diameter_mm),
    }
