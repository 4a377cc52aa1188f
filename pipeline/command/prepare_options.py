"""What every `nodulus prepare` of scans is asked, and how it makes the list and says what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .progress import show_progress
from .say import say

if TYPE_CHECKING:
    from nodulus.pipeline.collections.assemble import Making
    from nodulus.pipeline.collections.found import FoundNodule
    from nodulus.pipeline.data.data_list import DataList

ListFile = Annotated[Path, typer.Option("--output", "-o", help="The data list to write, a JSON file.")]
Folds = Annotated[int, typer.Option("--folds", help="Folds of patients; one of them validates.", min=2)]
Fold = Annotated[int, typer.Option("--fold", help="Which fold validates, from 0.", min=0)]
Seed = Annotated[int, typer.Option("--seed", help="Of the division into folds.")]
Images = Annotated[Path, typer.Option("--images", help="Folder of the scans, at any depth below it.")]
TestPatients = Annotated[
    str, typer.Option("--test-patients", help="Patients of the test split, comma-separated; `all` to evaluate only.")
]
Margin = Annotated[float, typer.Option("--margin", help="mm of scan about a nodule's box in its crop.", min=5, max=100)]
ElseDiameter = Annotated[
    float | None,
    typer.Option("--diameter-else", help="mm, of nodules where none is stated or can be measured. [left out]"),
]


def making_of(
    folds: int, fold: int, seed: int, test_patients: str, margin: float, allow: str, diameter_else: float | None = None
) -> Making:
    """Return how to make a list, as the options say."""
    # Loaded late: `nodulus --help` should not wait for scikit-learn.
    from nodulus.pipeline.collections.assemble import Making
    from nodulus.pipeline.data.folds import Division
    from nodulus.transforms.problems import problem_codes

    names = [name.strip() for name in test_patients.split(",") if name.strip()]
    is_only_test = [name.casefold() for name in names] == ["all"]
    division = Division(folds, fold, seed, names, is_only_test)
    return Making(division, margin, diameter_else, frozenset(problem_codes(allow)))


def make_list(nodules: Sequence[FoundNodule], output: Path, head: Mapping[str, object], making: Making) -> int:
    """Write the list of a collection's nodules and their crops, say what it holds, and return the exit code."""
    from nodulus.pipeline.collections.assemble import assemble

    with show_progress(quiet=False) as tell:
        data = assemble(nodules, output, head, making, tell)
    say_of_splits(data)
    for one in (data.model_extra or {}).get("left_out", ()):
        say(f"left out: {one['nodule_id']}: {one['reason']}")
    say(f"wrote {output}, crops in {output.parent / f'{output.stem}_crops'}")
    return 0


def say_of_splits(data: DataList) -> None:
    """Say how many nodules and patients each split holds, and of which labels."""
    from nodulus.pipeline.data.data_list import SPLITS

    for split in SPLITS:
        items = getattr(data, split)
        patients = len({item.patient_id for item in items})
        labels = [sum(item.label == label for item in items) for label in (0, 1, None)]
        say(
            f"{split}: {len(items)} nodules of {patients} patients,"
            f" {labels[0]} benign, {labels[1]} malignant, {labels[2]} undecided"
        )
