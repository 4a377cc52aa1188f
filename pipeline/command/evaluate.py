"""`nodulus evaluate`: what a bundle's score is worth on a data list, as metrics.json, a table and a page to read."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import find_bundle
from nodulus.transforms.problems import UsageError

from .options import BundleDir, DeviceOption, OutputDir, Prevalence, Quiet, Trust


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
    weights: Annotated[
        Path | None, typer.Option("--weights", help="model.pt of a training run, instead of the bundle's.")
    ] = None,
    prevalence: Prevalence = None,
    device: DeviceOption = "auto",
    trust: Trust = False,
    quiet: Quiet = False,
) -> int:
    """Measure the bundle's score on labelled nodules, beside what their diameter alone would say.

    Examples:

      nodulus evaluate --data list.json -o report

      nodulus evaluate --data list.json -o runs/first/evaluation --weights runs/first/model.pt

      nodulus evaluate --data list.json -o report --prevalence 0.01

      nodulus evaluate --data list.json -o report --split test --diagnosis patient_diagnosis.csv
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
    from nodulus.pipeline.evaluation.record import read_evaluation
    from nodulus.pipeline.evaluation.report import FILES
    from nodulus.pipeline.evaluation.words import headline

    from .progress import show_progress
    from .say import say

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    if weights is not None and not weights.is_file():
        raise UsageError(f"Expected trained weights, found no file {weights}")
    with show_progress(quiet=quiet) as tell:
        metrics = evaluate_bundle(
            data,
            output,
            find_bundle(bundle),
            split=split.value,
            allow_overlap=allow_overlap,
            diagnosis=diagnosis,
            prevalence=prevalence,
            device=device,
            tell=tell,
            trust=trust,
            **({} if weights is None else {"weights": str(weights)}),
        )
    if not quiet:
        say(headline(read_evaluation(metrics)), written=[metrics.parent / name for name in FILES])
    return 0
