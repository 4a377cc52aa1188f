"""`nodulus train`: a thin door to the bundle's configs/train.json."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import EVALUATE_CONFIG, TRAIN_CONFIG, find_bundle

from .calibrate import report_calibration
from .options import BundleDir, OutputDir


def train(
    data: Annotated[Path, typer.Option("--data", help="Data list, as `nodulus prepare` writes it.")],
    output: OutputDir,
    bundle: BundleDir = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Instead of the config's number of epochs.", min=1)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the output folder.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard events (needs nodulus[tensorboard]).")
    ] = False,
) -> int:
    """Train the bundle's network on a data list; a run that was stopped goes on with --resume.

    Examples:

      nodulus train --data list.json -o runs/first

      nodulus train --data list.json -o runs/quick --epochs 2
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.training.calibrate import calibrate
    from nodulus.pipeline.training.train import read_progress
    from nodulus.pipeline.training.train import train as train_bundle

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    before = read_progress(output) if resume else None
    overrides: dict[str, object] = {"tensorboard": tensorboard} | ({} if epochs is None else {"max_epochs": epochs})
    folder = find_bundle(bundle, needs=(TRAIN_CONFIG, EVALUATE_CONFIG))
    weights = train_bundle(data, output, folder, resume=resume, **overrides)
    calibration = calibrate(data, weights, folder)
    now = read_progress(output)
    if now is not None and now == before:
        typer.echo(f"nothing to resume: all {now.epoch} epochs are done (--epochs asks for more)")
    else:
        typer.echo(f"wrote {weights}")
    report_calibration(calibration)
    if now is not None:
        typer.echo(f"best validation AUC {now.best_metric:.4f} in epoch {now.best_metric_epoch} of {now.epoch}")
    return 0
