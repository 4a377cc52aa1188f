"""`nodulus calibrate`: fit what trained weights' scores are worth, and write it beside them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import EVALUATE_CONFIG, find_bundle

from .options import BundleDir


def calibrate(
    data: Annotated[Path, typer.Option("--data", help="The data list that the weights were trained on.")],
    weights: Annotated[Path, typer.Option("--weights", help="model.pt of a training run.", dir_okay=False)],
    bundle: BundleDir = None,
) -> int:
    """Fit probabilities and thresholds to the validation patients; `nodulus train` does it at its end.

    It is needed by itself after `python -m monai.bundle run --config_file configs/train.json`.

    Example:

      nodulus calibrate --data list.json --weights runs/first/model.pt
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.training.calibrate import calibrate as fit

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    report_calibration(fit(data, weights, find_bundle(bundle, needs=(EVALUATE_CONFIG,))))
    return 0


def report_calibration(path: Path) -> None:
    """Say where a calibration was written, and where it found nothing to calibrate."""
    from nodulus.pipeline.readout.calibration import read_calibration

    if read_calibration(path).network.slope == 0:
        typer.echo(
            "warning: on the validation patients the scores do not rise with malignancy: calibrated to say nothing",
            err=True,
        )
    typer.echo(f"wrote {path}")
