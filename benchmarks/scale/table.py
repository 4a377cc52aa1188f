"""A table of many cases: links to a few real and phantom scans, one in twenty of them broken."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from benchmarks.places import data_dir
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import write_text
from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study
from nodulus.transforms.geometry import Triple

SPEC = PhantomSpec(size_xyz=(63, 63, 60), spacing_mm=(4.9, 4.9, 4.5))
BROKEN_OF, REAL_OF = 20, 40
COLUMNS = ("case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")
# The nodule of LIDC-IDRI-0001 that its four readers outlined, LPS.
_LIDC_NODULE = ((56.208, 86.343, -115.868), 23.4)


@dataclass(frozen=True)
class Source:
    """A scan to link to: its place, the ending of links to it, a nodule's centre (LPS, mm) and its diameter (mm)."""

    path: Path
    ending: str
    center_lps_mm: Triple
    diameter_mm: float


def write_table(home: Path, n_cases: int) -> Path:
    """Write so many cases, each with a link of its own so that no scan is known before, and return their table."""
    shutil.rmtree(home, ignore_errors=True)
    sound, broken, real = (cycle(sources) for sources in _sources(home / "sources"))
    links = home / "links"
    links.mkdir()
    rows = []
    for number in range(n_cases):
        each = broken if number % BROKEN_OF == 7 else real if number % REAL_OF == 3 else sound
        source = next(each)
        link = links / f"{number:05d}{source.ending}"
        link.symlink_to(source.path.resolve())
        x, y, z = source.center_lps_mm
        row = (f"case-{number:05d}", str(link.relative_to(home)), 1, round(x + number % 7 / 7, 3), y, z)
        rows.append([*row, source.diameter_mm])
    write_text(home / "cases.csv", csv_text(COLUMNS, rows))
    return home / "cases.csv"


def first_cases(table: Path, n_cases: int) -> Path:
    """Return a table of the first so many cases, beside the whole."""
    lines = table.read_text().splitlines(keepends=True)
    part = table.with_name(f"first-{n_cases}.csv")
    part.write_text("".join(lines[: n_cases + 1]))
    return part


def _sources(home: Path) -> tuple[list[Source], list[Source], list[Source]]:
    """Return sound scans in three formats, scans that are broken in five ways, and real ones where they are."""
    study = write_demo_study(home, SPEC)
    nodule = study.marked.nodules[0]
    zipped = Path(shutil.make_archive(str(home / "study"), "zip", study.dicom_folder))
    center, diameter = nodule.center_lps_mm, nodule.diameter_mm
    formats = ((study.dicom_folder, ""), (zipped, ".zip"), (study.nifti, ".nii.gz"))
    sound = [Source(path, ending, center, diameter) for path, ending in formats]
    broken = [Source(path, ending, center, diameter) for path, ending in _broken(home, study.dicom_folder, study.nifti)]
    return sound, broken, _real(home) or sound


def _real(home: Path) -> list[Source]:
    """Return a real scan as a folder and as a zip, where it is at hand."""
    archive = data_dir() / "lidc_dicom" / "LIDC-IDRI-0001.zip"
    if not archive.is_file():
        return []
    with zipfile.ZipFile(archive) as file:
        file.extractall(home / "real")
    return [Source(home / "real", "", *_LIDC_NODULE), Source(archive, ".zip", *_LIDC_NODULE)]


def _broken(home: Path, series: Path, nifti: Path) -> list[tuple[Path, str]]:
    """Return a scan with a hole, one cut off, a damaged archive, a text, and nothing."""
    hole = home / "hole"
    shutil.copytree(series, hole)
    for path in sorted(hole.iterdir())[20:24]:
        path.unlink()
    (home / "cut.nii.gz").write_bytes(nifti.read_bytes()[:20_000])
    archive = Path(shutil.make_archive(str(home / "damaged"), "zip", series))
    archive.write_bytes(archive.read_bytes()[:-5000])
    (home / "text.nii").write_text("not a scan")
    return [
        (hole, ""),
        (home / "cut.nii.gz", ".nii.gz"),
        (archive, ".zip"),
        (home / "text.nii", ".nii"),
        (home / "nowhere.nii.gz", ".nii.gz"),
    ]
