"""The flag's rates can be measured: few nodules are flagged, most other places are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.phantom import PhantomSpec, make_phantom, write_nifti

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_rates_are_measured_on_nodules_and_on_places_without(tiny_crops: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "lidc_nodules").symlink_to(tiny_crops)
    phantom = make_phantom(PhantomSpec(size_xyz=(120, 120, 112), spacing_mm=(3.0, 3.0, 2.5)))
    write_nifti(phantom, data / "chest_nifti" / "chest_cta.nii.gz")
    output = tmp_path / "rates.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.release.flag_rates",
        "--no-network",
        "--points",
        "30",
        "--phantoms",
        "0",
    ]

    done = subprocess.run(
        [*command, "-o", str(output)],
        cwd=ROOT,
        env=os.environ | {"NODULUS_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    groups = {group["name"]: group for group in json.loads(output.read_text())["groups"]}
    assert groups["validation nodules, own box"]["n"] == 4
    for region in ("lung", "between_lungs", "below_lungs", "bone", "outside"):
        assert groups[region]["flagged"] > 0.9, region
        assert groups[region]["by_source"] == {"chest_cta.nii.gz": groups[region]["flagged"]}
    assert groups["outside"]["reasons"]["outside_body"] > 0.9
    assert groups["lung"]["reasons"]["no_nodule_density"] > 0.9
    assert "skipped: no lidc_dicom/LIDC-IDRI-0001.zip" in done.stderr
    assert "| between_lungs | 30 |" in done.stdout


def test_page_holds_the_place_of_the_rates() -> None:
    text = (ROOT / "docs" / "records" / "flag-rates.md").read_text()

    start, end = (
        "<!-- rates: written by python -m benchmarks.release.flag_rates --write-docs -->",
        "<!-- end of rates -->",
    )
    assert text.index(start) < text.index(end)
