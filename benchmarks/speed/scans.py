"""Which scans are measured, and where in them are the nodules?"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import ROOT, data_dir
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomSpec, make_phantom, write_dicom_series, write_nifti
from nodulus.transforms.geometry import Triple

CACHE = ROOT / "out" / "bench"
N_NODULES = 10

FULL = PhantomSpec(size_xyz=(512, 512, 300), spacing_mm=(0.7, 0.7, 1.0))
SMALL = PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0))
PHANTOM_NODULE: Triple = (92.0, 29.0, -20.0)
LIDC_NODULE: Triple = (56.208, 86.343, -115.868)


@dataclass(frozen=True)
class Scan:
    """A scan to measure on.

    Args:
        name: as the table shows it.
        path: what ours opens.
        folder: the DICOM folder that the alternatives read where they cannot read the path itself.
        nodule_lps_mm: where the one nodule is.
        reach_mm: ten nodules are spread over z within this distance of it.
    """

    name: str
    path: Path
    nodule_lps_mm: Triple
    reach_mm: float
    folder: Path | None = None

    @property
    def is_dicom(self) -> bool:
        """Whether it holds DICOM slices."""
        return self.folder is not None

    def nodules(self, count: int) -> tuple[Nodule, ...]:
        """Return one nodule, or several that share no slice with the next as far as the scan is long enough.

        Their boxes fill the patch, so that every voxel of it is sampled: the most that a nodule can cost.
        """
        x, y, z = self.nodule_lps_mm
        steps = [0.0] if count == 1 else [self.reach_mm * (2 * k / (count - 1) - 1) for k in range(count)]
        return tuple(_nodule(str(number), (x, y, z + step)) for number, step in enumerate(steps))


def _nodule(name: str, center: Triple) -> Nodule:
    x, y, z = center
    half = 16.5
    return Nodule(name, center, 24.0, box_lps_mm=(x - half, y - half, z - half, x + half, y + half, z + half))


def scans(quick: bool) -> Iterator[Scan]:
    """Yield the scans: the small phantom alone, or the large one and, where it is there, LIDC-IDRI-0001."""
    if quick:
        folder = _phantom(SMALL, CACHE / "small", ("dicom",))
        yield Scan("small phantom, DICOM", folder / "dicom", PHANTOM_NODULE, 60.0, folder / "dicom")
        return
    archive = data_dir() / "lidc_dicom" / "LIDC-IDRI-0001.zip"
    if archive.is_file():
        series = _extracted(archive)
        yield Scan("LIDC-IDRI-0001, folder", series, LIDC_NODULE, 100.0, series)
        yield Scan("LIDC-IDRI-0001, zip", archive, LIDC_NODULE, 100.0, series)
    folder = _phantom(FULL, CACHE / "full", ("dicom", "phantom.nii", "phantom.nii.gz"))
    yield Scan("phantom, DICOM", folder / "dicom", PHANTOM_NODULE, 100.0, folder / "dicom")
    yield Scan("phantom, .nii", folder / "phantom.nii", PHANTOM_NODULE, 100.0)
    yield Scan("phantom, .nii.gz", folder / "phantom.nii.gz", PHANTOM_NODULE, 100.0)


def missing() -> list[str]:
    """Return a line for each scan that is not there."""
    folder = data_dir()
    is_there = (folder / "lidc_dicom" / "LIDC-IDRI-0001.zip").is_file()
    return [] if is_there else [f"skipped: LIDC-IDRI-0001 (set NODULUS_DATA to its folder, looked at {folder})"]


def _phantom(spec: PhantomSpec, folder: Path, names: tuple[str, ...]) -> Path:
    """Return a folder that holds a phantom in the named forms; what is there already is not made again."""
    absent = [name for name in names if not (folder / name).exists()]
    phantom = make_phantom(spec) if absent else None
    for name in absent:
        if phantom is not None:
            (write_dicom_series if name == "dicom" else write_nifti)(phantom, folder / name)
    return folder


def _extracted(archive: Path) -> Path:
    """Return the folder of the archive's one series, extracted once."""
    folder = CACHE / archive.stem
    if not folder.is_dir():
        partial = folder.with_name(f".{folder.name}")
        with zipfile.ZipFile(archive) as members:
            members.extractall(partial)
        partial.rename(folder)
    (series,) = {path.parent for path in folder.rglob("*.dcm")}
    return series
