"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.bundle.device import Device
from nodulus.pipeline.engines.engine import EngineChoice
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
EngineOption = Annotated[
    EngineChoice | None,
    typer.Option(
        "--engine",
        case_sensitive=False,
        help="What runs the network (docs/how-to/engines.md). [auto, where the bundle has exports; else torch]",
        show_default=False,
    ),
]
MinScore = Annotated[
    float | None,
    typer.Option("--min-score", help="Leave out nodules that their detector was less sure of.", min=0, max=1),
]
DetectorDir = Annotated[
    Path | None,
    typer.Option("--detector", help="Find the nodules by this detection bundle (docs/how-to/detect.md)."),
]
MaxNodules = Annotated[
    int | None, typer.Option("--max-nodules", help="Of the detector: how many at most, the surest. [all]", min=1)
]
DetectorMemory = Annotated[
    float | None, typer.Option("--memory", help="Of the detector: GB that its network may take. [4]", min=0.1)
]
DetectorBf16 = Annotated[
    bool, typer.Option("--bf16", help="Of the detector: compute in bfloat16, faster and a little less exact.")
]
Prevalence = Annotated[
    float | None,
    typer.Option(
        "--prevalence",
        metavar="P",
        help="Share of malignant nodules at your place, 0 to 1: scores are moved to it by Bayes' rule, and say so.",
    ),
]
OtherCalibration = Annotated[
    Path | None,
    typer.Option("--calibration", help="A calibration made at your place (`nodulus calibrate`), not the bundle's own."),
]
PatientOption = Annotated[
    str | None,
    typer.Option(
        "--patient",
        metavar="NAME=VALUE,...",
        help="What is known of the patient of one scan: age=65,sex=F,...",
    ),
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
    typer.Option(
        "--parts", case_sensitive=False, help="Write the results into parts, too: files of a thousand cases each."
    ),
]


def read_options(
    allow: str,
    series: str | None,
    frame: Frame | None,
    min_score: float | None,
    case: str | None,
    patient: str | None = None,
) -> ReadOptions:
    """Return how to open and read, as the options say; ``allow`` is a comma-separated list of problem codes."""
    # Loaded late: `nodulus --help` should not wait for the readers.
    from nodulus.pipeline.scoring.open_case import ReadOptions
    from nodulus.transforms.problems import problem_codes

    from .patient_option import read_patient

    known = {} if patient is None else read_patient(patient)
    return ReadOptions(frame, problem_codes(allow), series, min_score or 0.0, case, known)
