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
from nodulus.transforms.problems import UsageError

from .evaluate import SplitName
from .options import BundleDir, Quiet, Trust


def calibrate(
    data: Annotated[
        Path,
        typer.Option("--data", help="Labelled nodules of your place; with --weights, the list they were trained on."),
    ],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="model.pt of a training run, to calibrate.", dir_okay=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for a local calibration. [beside the bundle's]", file_okay=False),
    ] = None,
    split: Annotated[
        SplitName, typer.Option("--split", case_sensitive=False, help="Which part of the list, without --weights.")
    ] = SplitName.VALIDATION,
    covariates: Annotated[
        str,
        typer.Option("--covariates", help="Of age, sex, emphysema, family_history, lobe, type, count: do they help?"),
    ] = "",
    bundle: BundleDir = None,
    trust: Trust = False,
    quiet: Quiet = False,
) -> int:
    """Fit the bundle's probabilities to your place, or, with --weights, those of a training run.

    Without --weights the bundle's own calibration stays as it is; what is shown to help is written beside it
    (docs/how-to/your-own-patients.md).

    Examples:

      nodulus calibrate --data local.json -o out/local

      nodulus calibrate --data local.json -o out/local --covariates age,sex

      nodulus calibrate --data list.json --weights runs/first/model.pt
    """
    folder = find_bundle(bundle, needs=(EVALUATE_CONFIG,))
    if weights is None:
        return _at_this_place(data, folder, output, split, covariates, trust=trust, quiet=quiet)
    if output is not None or covariates or split is not SplitName.VALIDATION:
        msg = "Expected no --output, --split and --covariates beside --weights: they are of a calibration at your place"
        raise UsageError(msg)
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.training.calibrate import calibrate as fit

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    from .progress import show_progress
    from .say import say

    with show_progress(quiet=quiet) as tell:
        found = fit(data, weights, folder, tell, trust=trust)
    warn_of_silence(found)
    if not quiet:
        say(calibration_headline(found), written=calibration_files(found.parent))
    return 0


def _at_this_place(
    data: Path, bundle: Path, output: Path | None, split: SplitName, covariates: str, *, trust: bool, quiet: bool
) -> int:
    """Calibrate on the nodules of one place, beside the bundle's own calibration."""
    from nodulus.pipeline.training.local_calibration import LOCAL_CALIBRATION, calibrate_locally
    from nodulus.pipeline.training.local_report import REPORT, report_lines

    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    from .progress import show_progress
    from .say import say

    folder = (bundle / CALIBRATION).parent if output is None else output
    named = tuple(name.strip() for name in covariates.split(",")) if covariates else ()
    with show_progress(quiet=quiet) as tell:
        report = calibrate_locally(data, bundle, folder, split=split.value, covariates=named, tell=tell, trust=trust)
    if not quiet:
        names = (LOCAL_CALIBRATION, REPORT) if report.is_written else (REPORT,)
        say("\n".join(report_lines(report)), written=[folder / name for name in names])
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
