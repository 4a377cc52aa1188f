"""`nodulus check`: the series gate alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.files import check_output_dir
from nodulus.transforms.problems import ProblemCode

from .options import Allow, CaseName, FrameOption, MinScore, NoduleFile, SeriesUid, read_options
from .say import say, say_json

if TYPE_CHECKING:
    from nodulus.pipeline.results.record import ProblemRecord, ScanRecord


def check(
    input_path: Annotated[Path, typer.Argument(metavar="INPUT", help="DICOM folder or zip, NIfTI, MHA/MHD or NRRD.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    nodules: NoduleFile = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the nodules' pictures.")] = Path(
        "nodule_views"
    ),
    frame: FrameOption = None,
    allow: Allow = "",
    series: SeriesUid = None,
    min_score: MinScore = None,
    case: CaseName = None,
) -> int:
    """Say what a scan is and what is wrong with it; with --nodules, draw where each nodule is looked for.

    Examples:

      nodulus check SCAN_FOLDER

      nodulus check scan.zip --nodules nodules.csv -o pictures
    """
    # Loaded late: `nodulus --help` should not wait for the readers.
    from nodulus.pipeline.scoring.open_case import open_case, open_scan
    from nodulus.pipeline.scoring.scan_check import check_nodules, record_scan

    how = read_options(allow, series, frame, min_score, case)
    scan = open_scan(input_path, how)
    record = record_scan(scan)
    if scan.volume is not None and nodules is not None:
        check_output_dir(output)
        record = check_nodules(record, open_case(scan, nodules, how), output)
    if as_json:
        say_json(record.model_dump(mode="json"))
    else:
        _print(record)
    if record.status == "refused":
        return ExitCode.INPUT_REFUSED
    return ExitCode.SOME_FAILED if record.nodule_problems else ExitCode.OK


def _print(record: ScanRecord) -> None:
    say(f"{record.input}: {record.status}")
    geometry = {} if record.geometry is None else dict(record.geometry)
    for key, value in {**geometry, **record.attributes}.items():
        say(f"  {key}: {value}")
    for warning in record.warnings:
        _print_problem("warning", warning)
    if record.problem is not None:
        _print_problem("refused", record.problem)
    for problem in record.nodule_problems:
        _print_problem("nodule", problem)
    for path in record.pictures:
        say(f"wrote {path}")


def _print_problem(what: str, problem: ProblemRecord) -> None:
    # Which nodules lie elsewhere is said by the pictures: most do.
    items = () if problem.code == ProblemCode.FRAME_DOUBTFUL.value else problem.items
    for line in (f"{what}: {problem.code}: {problem.message}", *(f"    {item}" for item in items)):
        say(line, err=what != "warning")
