"""`nodulus calibrate`: fit what trained weights' scores are worth, and write it beside them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import (
    CALIBRATION,
    EVALUATE_CONFIG,
    TRAINING_PATIENTS,
    VALIDATION_PATIENTS,
    find_bundle,
)

from .options import BundleDir, Quiet, Trust


def calibrate(
    data: Annotated[Path, typer.Option("--data", help="The data list that the weights were trained on.")],
    weights: Annotated[Path, typer.Option("--weights", help="model.pt of a training run.", dir_okay=False)],
    bundle: BundleDir = None,
    trust: Trust = False,
    quiet: Quiet = False,
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
    from .progress import show_progress
    from .say import say

    folder = find_bundle(bundle, needs=(EVALUATE_CONFIG,))
    with show_progress(quiet=quiet) as tell:
        found = fit(data, weights, folder, tell, trust=trust)
    warn_of_silence(found)
    if not quiet:
        say(calibration_headline(found), written=calibration_files(found.parent))
    return 0


def calibration_headline(path: Path) -> str:
    """Return in a line what a calibration was fitted to."""
    from nodulus.pipeline.readout.calibration import read_calibration

    fitted = read_calibration(path).fitted_on
    return (
        f"calibrated on {fitted.nodules} nodules of {fitted.patients} patients of the {fitted.split} split, "
        f"{fitted.malignant} malignant and {fitted.benign} benign"
    )


def calibration_files(folder: Path) -> list[Path]:
    """Return the files that a calibration writes beside its weights."""
    return [folder / place.name for place in (CALIBRATION, TRAINING_PATIENTS, VALIDATION_PATIENTS)]


def warn_of_silence(path: Path) -> None:
    """Warn of a calibration that found nothing to calibrate."""
    from nodulus.pipeline.readout.calibration import read_calibration

    if read_calibration(path).network.slope == 0:
        typer.echo(
            "warning: on the validation patients the scores do not rise with malignancy: calibrated to say nothing",
            err=True,
        )
