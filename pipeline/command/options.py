"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.bundle.device import Device
from nodulus.pipeline.results.part_files import PartFormat
from nodulus.transforms.geometry import Frame

if TYPE_CHECKING:
    from nodulus.pipeline.scoring.open_case import ReadOptions


OutputDir = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.", file_okay=False)]
BundleDir = Annotated[
    Path | None,
    typer.Option("--bundle", help="Bundle folder. Default: NODULUS_BUNDLE, else the one that nodulus brings."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run the bundle's code though its audit refuses it (docs/how-to/audit-and-pack.md)."),
]
NoduleFile = Annotated[
    Path | None,
    typer.Option(
        "--nodules",
        help="Where the nodules are: a table, JSON, Slicer markups, a label mask, or DICOM SR, SEG or RTSTRUCT"
        " (docs/how-to/nodule-tables.md).",
    ),
]
FrameOption = Annotated[
    Frame | None,
    typer.Option(
        "--frame", case_sensitive=False, help="Frame of the positions, where the format does not state it. [LPS]"
    ),
]
Allow = Annotated[str, typer.Option("--allow", help="Comma-separated problem codes that the series gate may admit.")]
SeriesUid = Annotated[
    str | None, typer.Option("--series", help="Series Instance UID to read where a place holds several.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
DeviceOption = Annotated[Device, typer.Option("--device", case_sensitive=False, help="Where the network runs.")]
MinScore = Annotated[
    float, typer.Option("--min-score", help="Leave out nodules that their detector was less sure of.", min=0, max=1)
]
CaseName = Annotated[
    str | None, typer.Option("--case", help="Whose nodules to take from a table of several cases. [the scan's name]")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Processes that score a cases table, each with the model loaded. [1; with --ray one a CPU]",
        min=1,
        show_default=False,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="local|auto|HOST:PORT",
        help="Score a cases table on a Ray cluster: one of this machine, the one that runs, or that of a machine.",
    ),
]
PartsOption = Annotated[
    PartFormat | None,
    typer.Option("--parts", help="Write the results into parts, too: files of a thousand cases each."),
]


def read_options(
    allow: str, series: str | None, frame: Frame | None, min_score: float, case: str | None
) -> ReadOptions:
    """Return how to open and read, as the options say; ``allow`` is a comma-separated list of problem codes."""
    # Loaded late: `nodulus --help` should not wait for the readers.
    from nodulus.pipeline.scoring.open_case import ReadOptions
    from nodulus.transforms.problems import problem_codes

    return ReadOptions(frame, problem_codes(allow), series, min_score, case)
