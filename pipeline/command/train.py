"""`nodulus train`: a thin door to the bundle's configs/train.json."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.bundle.folder import EVALUATE_CONFIG, TRAIN_CONFIG, WEIGHTS, find_bundle

from .calibrate import calibration_files, calibration_headline, warn_of_silence
from .options import BundleDir, OutputDir, Quiet, Trust

SHIPPED = "shipped"


def train(
    data: Annotated[Path, typer.Option("--data", help="Data list, as `nodulus prepare` writes it.")],
    output: OutputDir,
    bundle: BundleDir = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Instead of the config's number of epochs.", min=1)
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init", help="Weights to begin with: `shipped` for the bundle's, or a file. [as train.json says]"
        ),
    ] = None,
    freeze_until: Annotated[
        str | None,
        typer.Option("--freeze-until", help="First stage of the network that learns; those before stay. [layer3]"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Instead of the config's.", min=1e-8)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the output folder.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard events (needs nodulus[tensorboard]).")
    ] = False,
    trust: Trust = False,
    quiet: Quiet = False,
) -> int:
    """Train the bundle's network on a data list; a run that was stopped goes on with --resume.

    Examples:

      nodulus train --data list.json -o runs/first

      nodulus train --data list.json -o runs/quick --epochs 2

      nodulus train --data list.json -o runs/tuned --init shipped --learning-rate 0.0003
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.training.calibrate import calibrate
    from nodulus.pipeline.training.train import FILES, read_progress
    from nodulus.pipeline.training.train import train as train_bundle

    from .progress import show_progress
    from .say import say

    # MONAI warns that it leaves logging alone, as it was asked to.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    before = read_progress(output) if resume else None
    folder = find_bundle(bundle, needs=(TRAIN_CONFIG, EVALUATE_CONFIG, *((WEIGHTS,) if init == SHIPPED else ())))
    given = {
        "max_epochs": epochs,
        "init": str(folder / WEIGHTS) if init == SHIPPED else init,
        "freeze_until": freeze_until,
        "learning_rate": learning_rate,
    }
    overrides = {"tensorboard": tensorboard} | {name: value for name, value in given.items() if value is not None}
    with show_progress(quiet=quiet) as tell:
        weights = train_bundle(data, output, folder, tell, trust=trust, resume=resume, **overrides)
        calibration = calibrate(data, weights, folder, tell, trust=trust)
    warn_of_silence(calibration)
    now = read_progress(output)
    if now is None or quiet:
        return 0
    is_done = now == before
    if is_done:
        say(f"nothing to resume: all {now.epoch} epochs are done (--epochs asks for more)")
    trained = [] if is_done else [output / name for name in FILES if (output / name).exists()]
    say(
        f"best epoch {now.best_metric_epoch} of {now.epoch}, validation AUC {now.best_metric:.4f}, weights {weights}",
        calibration_headline(calibration),
        written=[*trained, *calibration_files(calibration.parent)],
    )
    say(f"next: {_evaluation_of(weights, data, bundle, trust=trust)}")
    return 0


def _evaluation_of(weights: Path, data: Path, bundle: Path | None, *, trust: bool) -> str:
    """Return the command that says what weights are worth."""
    words = ["nodulus", "evaluate", "--data", data, "--weights", weights, "-o", weights.parent / "evaluation"]
    words += [] if bundle is None else ["--bundle", bundle]
    return shlex.join(str(word) for word in [*words, *(["--trust"] if trust else [])])
