"""`nodulus evaluate`: what a bundle's score is worth on a data list, as metrics.json, a table and a page to read."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import find_bundle

from .options import BundleDir, DeviceOption, OutputDir


class SplitName(str, Enum):
    """Which part of a data list is evaluated."""

    VALIDATION = "validation"
    TEST = "test"
    TRAINING = "training"


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Data list, as `nodulus prepare` writes it.")],
    output: OutputDir,
    bundle: BundleDir = None,
    split: Annotated[
        SplitName, typer.Option("--split", case_sensitive=False, help="Which part of the list.")
    ] = SplitName.VALIDATION,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Admit patients that trained the weights; the report says so.")
    ] = False,
    diagnosis: Annotated[
        Path | None,
        typer.Option("--diagnosis", help="CSV of patient_id,diagnosis (1 benign, 2 primary cancer, 3 metastatic)."),
    ] = None,
    device: DeviceOption = "auto",
) -> int:
    """Measure the bundle's score on labelled nodules, beside what their diameter alone would say.

    Examples:

      nodulus evaluate --data list.json -o report

      nodulus evaluate --data list.json -o report --split test --diagnosis patient_diagnosis.csv
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.evaluation.evaluate import evaluate_bundle

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    report = evaluate_bundle(
        data,
        output,
        find_bundle(bundle),
        split=split.value,
        allow_overlap=allow_overlap,
        diagnosis=diagnosis,
        device=device,
    )
    typer.echo(f"wrote {report}")
    return 0
