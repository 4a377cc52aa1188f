"""`nodulus check`: the series gate alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_options import Allow, FrameOption, NoduleTable, SeriesUid, codes


def check(
    input_path: Annotated[Path, typer.Argument(metavar="INPUT", help="DICOM folder or zip, NIfTI, MHA/MHD or NRRD.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    nodules: NoduleTable = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the nodules' pictures.")] = Path(
        "nodule_views"
    ),
    frame: FrameOption = None,
    allow: Allow = "",
    series: SeriesUid = None,
) -> int:
    """Say what a scan is and what is wrong with it; with --nodules, draw where each nodule is looked for.

    Examples:

      nodulus check SCAN_FOLDER

      nodulus check scan.zip --nodules nodules.csv -o pictures
    """
    # Loaded late: `nodulus --help` should not wait for the readers.
    from .scan_check import check_scan

    record = check_scan(input_path, codes(allow), series)
    pictures: list[Path] = []
    if record["status"] == "accepted" and nodules is not None:
        from .scan_check import draw_nodules

        pictures = draw_nodules(input_path, nodules, output, codes(allow), series, frame.value if frame else None)
    if as_json:
        typer.echo(json.dumps({**record, "pictures": [str(path) for path in pictures]}, indent=2))
    else:
        _print(record, pictures)
    return 0 if record["status"] == "accepted" else 3


def _print(record: dict[str, Any], pictures: list[Path]) -> None:
    typer.echo(f"{record['input']}: {record['status']}")
    for key, value in {**(record["geometry"] or {}), **record["attributes"]}.items():
        typer.echo(f"  {key}: {value}")
    for kind, problems in (("refused", [record["problem"]]), ("warning", record["warnings"])):
        for problem in filter(None, problems):
            typer.echo(f"{kind}: {problem['code']}: {problem['message']}", err=kind == "refused")
            for item in problem["items"]:
                typer.echo(f"    {item}", err=kind == "refused")
    for path in pictures:
        typer.echo(f"wrote {path}")
