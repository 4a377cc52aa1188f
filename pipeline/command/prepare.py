"""`nodulus prepare`: make a data list to train and evaluate on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .say import say

prepare = typer.Typer(help="Make a data list (MONAI decathlon JSON) to train and evaluate on.")


@prepare.callback()
def _prepare() -> None:
    """Make a data list (MONAI decathlon JSON) to train and evaluate on."""


@prepare.command()
def lidc(
    crops: Annotated[Path, typer.Option("--crops", help="Folder with nodules.csv and images/ of LIDC-IDRI crops.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The data list to write, a JSON file.")],
    folds: Annotated[int, typer.Option("--folds", help="Folds of patients; one of them validates.", min=2)] = 5,
    fold: Annotated[int, typer.Option("--fold", help="Which fold validates, from 0.", min=0)] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of the division into folds.")] = 0,
) -> int:
    """Make the data list of LIDC-IDRI nodule crops, split by patient.

    Example:

      nodulus prepare lidc --crops lidc_nodules -o list.json
    """
    # Loaded late: `nodulus --help` should not wait for scikit-learn.
    from nodulus.pipeline.data.data_list import SPLITS
    from nodulus.pipeline.data.lidc import prepare_lidc

    data = prepare_lidc(crops, output, folds=folds, fold=fold, seed=seed)
    for split in SPLITS:
        items = getattr(data, split)
        patients = len({item.patient_id for item in items})
        labels = [sum(item.label == label for item in items) for label in (0, 1, None)]
        say(
            f"{split}: {len(items)} nodules of {patients} patients,"
            f" {labels[0]} benign, {labels[1]} malignant, {labels[2]} undecided"
        )
    for name in (data.model_extra or {}).get("left_out", ()):
        say(f"left out: {name}, which by its table lies outside its crop")
    say(f"wrote {output}")
    return 0
