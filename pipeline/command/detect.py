"""`nodulus detect`: the boxes of a detection bundle as a table of nodules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.transforms.problems import InputRefusedError, UsageError

from .found_nodules import AskedDetector
from .options import (
    Allow,
    DetectorBf16,
    DetectorMemory,
    DeviceOption,
    MaxNodules,
    Quiet,
    SeriesUid,
    Trust,
    read_options,
)
from .say import say, say_json

if TYPE_CHECKING:
    from nodulus.pipeline.detection.found import Found


def detect(
    input_path: Annotated[Path, typer.Argument(metavar="SCAN", help="DICOM folder or zip, NIfTI, MHA/MHD or NRRD.")],
    bundle: Annotated[
        Path, typer.Option("--bundle", help="Folder or zip of a detection bundle, as lung_nodule_ct_detection.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table, a CSV file.", dir_okay=False)],
    min_score: Annotated[
        float, typer.Option("--min-score", help="Leave out boxes that the detector was less sure of.", min=0, max=1)
    ] = 0.5,
    max_nodules: MaxNodules = None,
    memory: DetectorMemory = None,
    bf16: DetectorBf16 = False,
    device: DeviceOption = "auto",
    allow: Allow = "",
    series: SeriesUid = None,
    trust: Trust = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
    quiet: Quiet = False,
) -> int:
    """Find nodules in a scan by a detection bundle, and write their table for `nodulus infer --nodules`.

    Examples:

      nodulus detect SCAN_FOLDER --bundle lung_nodule_ct_detection -o nodules.csv

      nodulus detect scan.nii.gz --bundle detection.zip -o nodules.csv --min-score 0.8 --max-nodules 5 --bf16
    """
    # Loaded late: `nodulus --help` should not wait for the readers.
    from nodulus.pipeline.files import check_output_dir
    from nodulus.pipeline.scoring.open_case import open_scan

    if not bundle.exists():
        raise UsageError(f"Expected the folder or zip of a detection bundle, found none at {bundle}")
    check_output_dir(output.absolute().parent)
    scan = open_scan(input_path, read_options(allow, series, None, None, None))
    if scan.volume is None:
        raise InputRefusedError(scan.problem) if scan.problem else ValueError(f"neither scan nor problem: {scan.path}")
    asked = AskedDetector(bundle, min_score, max_nodules, memory, bf16, device, trust, quiet or as_json)
    found = asked.find(scan.volume)
    written = found.write_table(output)
    if as_json:
        say_json(_record(found, input_path))
    elif not quiet:
        _print(found, input_path)
        say(written=[written])
    return ExitCode.OK


def _print(found: Found, scan: Path) -> None:
    say(f"{scan}: {len(found.nodules) or 'no'} nodules, found by {found.detector}; {'; '.join(found.notes)}")
    for nodule in found.nodules:
        x, y, z = nodule.center_lps_mm
        place = f"({x:.1f}, {y:.1f}, {z:.1f}) mm LPS, {nodule.diameter_mm:.1f} mm"
        say(f"  {nodule.nodule_id}: {place}, detection score {nodule.detection_score:.2f}")


def _record(found: Found, scan: Path) -> dict[str, object]:
    return {
        "input": str(scan),
        "detector": found.detector,
        "notes": list(found.notes),
        "nodules": [
            {
                "nodule_id": nodule.nodule_id,
                "center_lps_mm": nodule.center_lps_mm,
                "diameter_mm": nodule.diameter_mm,
                "detection_score": nodule.detection_score,
            }
            for nodule in found.nodules
        ],
    }
