"""A run over 600 scans takes no more memory than one over 100: what was read of a scan goes with it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nodulus.transforms.geometry import swap_lps_ras
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import write_slices, zip_folder
from tests.support.moving_chest import SPEC, chest_hu

N_SCANS = 600
N_BEFORE = 100  # what is loaded once is loaded by then
MOST_GROWTH = 1.05
# 180 KB of stored voxels a scan, in few slices: 500 of them left behind are 90 MB, a fifth of what the process takes.
CHEST = replace(SPEC, columns=124, rows=124, positions=tuple(range(6)), field_hu=chest_hu)
STATM = "/proc/{pid}/statm"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(STATM.format(pid="self")).exists(), reason="reads memory as Linux shows it"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return scans that share their bytes but no path, by turns a DICOM folder, a NIfTI and a zip."""
    folder = tmp_path_factory.mktemp("scans")
    series = write_slices(CHEST.slices(), folder / "series")
    volume = open_ct(series, expect_lung=False)
    affine_ras = swap_lps_ras(volume.grid.affine_lps)
    nifti = nib.Nifti1Image(volume.read_all().astype(np.int16), affine_ras)
    nifti.set_qform(affine_ras, code=1)
    nifti.header.set_xyzt_units("mm")
    nib.save(nifti, folder / "one.nii.gz")
    zip_folder(series, folder / "one.zip")
    return [_again((series, folder / "one.nii.gz", folder / "one.zip")[n % 3], folder, n) for n in range(N_SCANS)]


def _again(sound: Path, folder: Path, number: int) -> Path:
    if sound.is_file():
        place = folder / f"{number}{''.join(sound.suffixes)}"
        os.link(sound, place)
        return place
    (folder / str(number)).mkdir()
    for file in sound.iterdir():
        os.link(file, folder / str(number) / file.name)
    return folder / str(number)


def write_cases(places: list[Path], path: Path) -> Path:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"])
        table.writerows([f"case {n}", place, "1", 14.0, 12.0, -3.0, 9.0] for n, place in enumerate(places))
    return path


def memory_mib(process_id: int) -> float:
    """Return what a process holds in memory; 0 where it has ended since."""
    try:
        pages = Path(STATM.format(pid=process_id)).read_text().split()
    except ProcessLookupError:
        return 0.0
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_one_run_of_the_command_takes_as_much_for_600_scans_as_for_100(
    places: list[Path], small_bundle: Path, tmp_path: Path
) -> None:
    table, out = write_cases(places, tmp_path / "cases.csv"), tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "nodulus",
        "infer",
        str(table),
        "-o",
        str(out),
        "--quiet",
        "--bundle",
        str(small_bundle),
    ]
    journal = out / "cases.jsonl"
    most_mib = [0.0] * (N_SCANS // 100 + 1)
    # What it says goes to a file: a pipe that nobody empties would hold it up.
    with (tmp_path / "said").open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        while process.poll() is None:
            n_done = journal.read_bytes().count(b"\n") - 1 if journal.is_file() else 0
            hundred = max(n_done, 0) // 100
            most_mib[hundred] = max(most_mib[hundred], memory_mib(process.pid))
            time.sleep(0.02)
    assert process.returncode == 0, (tmp_path / "said").read_text()[-2000:]
    assert (out / "results.csv").read_text().count("\n") == N_SCANS + 1
    assert max(most_mib) <= MOST_GROWTH * most_mib[N_BEFORE // 100 - 1], most_mib
