"""Where tests find real scans, and a phantom study for those that need none."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import DemoStudy, write_demo_study
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS

if TYPE_CHECKING:
    from tests.support.small_studies import SmallStudy

ROOT = Path(__file__).resolve().parent.parent


def _refuse_to_fork() -> None:
    msg = "Expected no fork of the tests' process: with other tests' threads and pipes it ends or hangs, now and then"
    raise RuntimeError(msg)


# Python shows what is raised there as unraisable, which fails the test. A subprocess is no fork in this sense.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_refuse_to_fork)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real scans: NODULUS_DATA, else ../shared/data beside the checkout; skip without it."""
    folder = Path(os.environ.get("NODULUS_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        reason = f"no real scans: set NODULUS_DATA to their folder (looked at {folder})"
        if os.environ.get("NODULUS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Return the bundle of the checkout."""
    return ROOT / "bundles" / "lung_nodule_ct_classification"


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle whose network costs next to nothing, for tests in which it is not what is tested."""
    from benchmarks.small_bundle import write_small_bundle  # torch takes a second to load

    return write_small_bundle(tmp_path_factory.mktemp("small") / "bundle")


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> DemoStudy:
    """Return a phantom study with slices of 3 mm, which the gate takes, and few columns, so that it is made fast."""
    spec = PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0))
    return write_demo_study(tmp_path_factory.mktemp("study"), spec)


@pytest.fixture(scope="session")
def model_study(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """Return some slices of the phantom study and an SR that marks a nodule in them, to be sent over networks."""
    from tests.support.small_studies import template  # highdicom takes a second to load

    return template(study.dicom_folder, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tiny_crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 20 crops in the form of the LIDC-IDRI collection: balls, the large ones rated malignant."""
    folder = tmp_path_factory.mktemp("crops")
    (folder / "images").mkdir()
    rows = [_write_ball(folder, index, 14.0 if index % 2 else 6.0) for index in range(20)]
    with (folder / "nodules.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def _write_ball(folder: Path, index: int, diameter_mm: float) -> dict[str, object]:
    """Write the crop of one ball of soft tissue in lung, centred on the world's origin; return its row."""
    spacing_mm = np.asarray([0.8, 0.8, 2.5])
    size = np.asarray([30, 30, 8])
    first_mm = -(size - 1) / 2 * spacing_mm
    axes = [start + np.arange(n) * step for start, n, step in zip(first_mm, size, spacing_mm, strict=True)]
    distance_mm = np.linalg.norm(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), axis=-1)
    noise = np.random.default_rng(index).normal(0, 20, distance_mm.shape)
    hu = (np.where(distance_mm < diameter_mm / 2, 40, -850) + noise).astype(np.int16)
    affine_ras = np.diag([*spacing_mm, 1.0])
    affine_ras[:3, 3] = first_mm
    name = f"ball_{index:02d}"
    nib.save(nib.Nifti1Image(hu, affine_ras), folder / "images" / f"{name}.nii.gz")
    half_mm = diameter_mm / 2
    row: dict[str, object] = {"nodule_id": name, "patient_id": f"patient_{index // 2:02d}", "series_uid": "2.25.1"}
    row |= {f"center_{axis}_mm": 0.0 for axis in "xyz"} | {"diameter_mm": diameter_mm}
    row |= {f"bbox_low_{axis}_mm": -half_mm for axis in "xyz"} | {f"bbox_high_{axis}_mm": half_mm for axis in "xyz"}
    row |= dict.fromkeys(CHARACTERISTICS, "3|3|3") | {"malignancy": "5|4|4" if diameter_mm > 10 else "1|2|2"}
    row |= {"slice_thickness_mm": 2.5, "slice_spacing_mm": 2.5, "pixel_spacing_mm": 0.8, "manufacturer": "phantom"}
    return row
