"""`nodulus infer`: score the nodules of one scan, or of a table of many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.transforms.geometry import swap_lps_ras_points
from nodulus.transforms.problems import UsageError

from .cases import Case, is_cases_table, read_cases
from .cli_options import (
    Allow,
    BundleDir,
    Device,
    DeviceName,
    Engine,
    Frame,
    FrameOption,
    NoduleTable,
    OutputDir,
    SeriesUid,
    codes,
)
from .nodules import Nodule, nodule_from_mapping

if TYPE_CHECKING:
    from .results import CaseResult

EXAMPLES = """
Examples:

  nodulus infer SCAN_FOLDER --nodules nodules.csv -o out

  nodulus infer scan.nii.gz --point 56.2,86.3,-115.9 --diameter 23.4 -o out

  nodulus infer cases.csv -o out
"""


def infer(
    input_path: Annotated[
        Path, typer.Argument(metavar="INPUT", help="DICOM folder or zip, NIfTI, MHA/MHD, NRRD, or a cases table.")
    ],
    output: OutputDir,
    nodules: NoduleTable = None,
    point: Annotated[str | None, typer.Option("--point", help="One nodule's centre, X,Y,Z in mm.")] = None,
    diameter: Annotated[float | None, typer.Option("--diameter", help="Its diameter, mm.")] = None,
    frame: FrameOption = None,
    bundle: BundleDir = None,
    engine: Annotated[Engine, typer.Option("--engine", help="What runs the network.")] = Engine.AUTO,
    device: Device = DeviceName.AUTO,
    allow: Allow = "",
    series: SeriesUid = None,
) -> int:
    """Score the nodules of a scan: benign or malignant."""
    cases = _cases(input_path, nodules, point, diameter, frame, codes(allow), series)
    # Loaded late: a wrong table or path should not wait for torch.
    from .cli_console import print_written, score_with_progress
    from .results import write_results
    from .run_record import results_of
    from .scorer import Scorer

    scorer = Scorer(bundle, device=device.value, allow=codes(allow), series_uid=series)
    results = score_with_progress(scorer, cases)
    written = write_results(results_of(results, scorer.identity), output)
    print_written(results, written, scorer.identity)
    return exit_code(results)


infer.__doc__ = f"{infer.__doc__}\n{EXAMPLES}"


def exit_code(results: list[CaseResult]) -> int:
    """Return 0 when every nodule was scored, 3 when none was, 4 otherwise."""
    if all(case.is_complete for case in results):
        return 0
    is_any_scored = any(nodule.probabilities for case in results for nodule in case.nodules)
    return 4 if is_any_scored or (len(results) > 1 and any(case.is_complete for case in results)) else 3


def _cases(
    input_path: Path,
    nodules: Path | None,
    point: str | None,
    diameter: float | None,
    frame: Frame | None,
    allow: tuple[str, ...],
    series: str | None,
) -> list[Case]:
    if is_cases_table(input_path):
        if nodules is not None or point is not None:
            msg = f"Expected no --nodules and no --point beside the cases table {input_path.name}: it names the nodules"
            raise UsageError(msg)
        return list(read_cases(input_path))
    if not input_path.exists():
        msg = f"Expected a scan or a cases table, got a path that does not exist: {input_path}"
        raise UsageError(msg)
    found = _nodules(input_path, nodules, point, diameter, frame, allow, series)
    return [Case(case_id=input_path.name, input=input_path, nodules=found)]


def _nodules(
    scan: Path,
    table: Path | None,
    point: str | None,
    diameter: float | None,
    frame: Frame | None,
    allow: tuple[str, ...],
    series: str | None,
) -> tuple[Nodule, ...]:
    if (table is None) == (point is None):
        msg = "Expected either --nodules FILE or --point X,Y,Z with --diameter MM, to say where the nodules are"
        raise UsageError(msg)
    if table is not None:
        from .worklist import nodules_of_scan

        return nodules_of_scan(table, scan, frame.value if frame else None, allow, series)
    if diameter is None:
        msg = "Expected --diameter MM beside --point, got none"
        raise UsageError(msg)
    center_lps_mm = _point(point or "", frame)
    return (nodule_from_mapping({"nodule_id": "1", "center_lps_mm": center_lps_mm, "diameter_mm": diameter}),)


def _point(text: str, frame: Frame | None) -> list[float]:
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"Expected --point X,Y,Z, three numbers in mm, got '{text}'"
        raise UsageError(msg) from error
    return [float(value) for value in swap_lps_ras_points([x, y, z])] if frame == Frame.RAS else [x, y, z]
