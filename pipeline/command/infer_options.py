"""The options that `nodulus infer` has by itself: what is asked of a run, and which files it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Input = Annotated[
    Path, typer.Argument(metavar="INPUT", help="DICOM folder or zip, NIfTI, MHA/MHD, NRRD, or a cases table.")
]
Point = Annotated[str | None, typer.Option("--point", help="One nodule's centre, X,Y,Z in mm.")]
DiameterMm = Annotated[
    float | None, typer.Option("--diameter", help="Its diameter, mm. Default: measured at the point.")
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Record each score as a sum: what characteristics and size add to it."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder that was broken off.")]
Digests = Annotated[
    bool | None,
    typer.Option(
        "--digests/--no-digests",
        help="Record a hash of each scan's files, which reads all of them. [of one scan yes, of many no]",
        show_default=False,
    ),
]
Report = Annotated[
    bool, typer.Option("--report", help="Write report.html too, a page with each nodule's pictures and scores.")
]
WithIdentifiers = Annotated[
    bool, typer.Option("--with-identifiers", help="Say there who the patient is, from the DICOM headers.")
]
StructuredReport = Annotated[
    bool, typer.Option("--sr", help="Write a DICOM Structured Report, too: sr.dcm (of DICOM scans).")
]
KeyImages = Annotated[
    bool, typer.Option("--key-images", help="Write a DICOM picture a nodule, too: key_images (of DICOM scans).")
]
Fhir = Annotated[bool, typer.Option("--fhir", help="Write a FHIR R5 bundle, too: fhir.json.")]
Revises = Annotated[
    Path | None, typer.Option("--revises", help="An earlier sr.dcm, which the new one takes the place of.")
]
Stability = Annotated[
    bool,
    typer.Option("--stability", help="Say how far each score moves when point, size, noise change a little."),
]
Measures = Annotated[
    bool | None,
    typer.Option(
        "--measures/--no-measures",
        help="Outline each nodule and record its volume, axes and density. [of one scan yes, of many no]",
        show_default=False,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Score part I of N of a cases table; `nodulus merge` joins them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print results.json instead of a table.")]
