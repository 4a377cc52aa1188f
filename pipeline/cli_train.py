"""`nodulus train`: a thin door to the bundle's configs/train.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .bundle_folder import TRAIN_CONFIG, find_bundle
from .cli_options import BundleDir, OutputDir


def train(
    data: Annotated[Path, typer.Option("--data", help="Data list, as `nodulus prepare` writes it.")],
    output: OutputDir,
    bundle: BundleDir = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Instead of the config's number of epochs.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the output folder.")
    ] = False,
) -> int:
    """Train the bundle's network on a data list; a run that was stopped goes on with --resume.

    Examples:

      nodulus train --data list.json -o runs/first

      nodulus train --data list.json -o runs/quick --epochs 2
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from .train import train as train_bundle

    overrides = {} if epochs is None else {"max_epochs": epochs}
    weights = train_bundle(data, output, find_bundle(bundle, needs=(TRAIN_CONFIG,)), resume=resume, **overrides)
    typer.echo(f"wrote {weights}")
    return 0
