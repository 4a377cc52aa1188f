"""On which patches an export is compared with torch: a phantom's nodules, as they are and disturbed, and a user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nodulus.pipeline.phantom import PhantomSpec, make_phantom
from nodulus.pipeline.scoring.cases import read_cases
from nodulus.pipeline.scoring.open_case import ReadOptions, open_scan, place_nodules
from nodulus.transforms.geometry import Grid
from nodulus.transforms.patches.box import as_triple
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import volume_from_array

# Few columns, so that it is made fast; its slices are as thick as the gate takes.
_SPEC = PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0))
_SHIFTS_MM = ((0.0, 0.0, 0.0), (7.0, -5.0, 3.0), (-30.0, 12.0, -9.0))
_SIZES = (1.0, 2.0)


def items_of_phantom() -> list[dict[str, Any]]:
    """Return work items of a phantom: each of its nodules at its place and beside it, as large as it is and larger."""
    phantom = make_phantom(_SPEC)
    grid = Grid(_SPEC.size_xyz, phantom.affine_lps)
    volume = volume_from_array(phantom.intensity_hu.astype(np.float32), grid, "phantom")
    return [
        {
            "image": volume,
            "nodule_id": nodule.nodule_id,
            "center_lps_mm": as_triple(np.add(nodule.center_lps_mm, shift_mm)),
            "diameter_mm": nodule.diameter_mm * size,
        }
        for nodule in phantom.nodules
        for shift_mm in _SHIFTS_MM
        for size in _SIZES
    ]


def items_of_cases(table: Path) -> list[dict[str, Any]]:
    """Return work items of all nodules of a cases table that can be scored.

    Raises:
        UsageError: the table is malformed, or a scan is not there or not on this machine.
        InputRefusedError: the series gate refuses a scan.
    """
    items: list[dict[str, Any]] = []
    for case in read_cases(table):
        if not isinstance(case.input, Path):
            raise UsageError(f"Expected scans on this machine to compare engines on, got {case.input} in {table}")
        opened = place_nodules(case, open_scan(case.input, ReadOptions()))
        opened.accepted()
        items += opened.items
    return items
