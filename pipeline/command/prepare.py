"""`nodulus prepare`: make a data list to train and evaluate on, of the scans and tables that others publish or keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nodulus.transforms.problems import UsageError

from .options import Allow
from .prepare_options import (
    ElseDiameter,
    Fold,
    Folds,
    Images,
    ListFile,
    Margin,
    Seed,
    TestPatients,
    make_list,
    making_of,
    say_of_splits,
)
from .prepare_table import table
from .say import say

prepare = typer.Typer(help="Make a data list (MONAI decathlon JSON) to train and evaluate on.")


@prepare.callback()
def _prepare() -> None:
    """Make a data list (MONAI decathlon JSON) to train and evaluate on."""


@prepare.command()
def lidc(
    output: ListFile,
    crops: Annotated[
        Path | None, typer.Option("--crops", help="Folder with nodules.csv and images/ of LIDC-IDRI crops.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option("--dicom", help="Instead: the collection as published, DICOM series and XML.")
    ] = None,
    xml: Annotated[Path | None, typer.Option("--xml", help="The readers' XML, where it lies apart.")] = None,
    min_readers: Annotated[
        int, typer.Option("--min-readers", help="With --dicom: who must have marked a nodule.", min=1, max=4)
    ] = 3,
    folds: Folds = 5,
    fold: Fold = 0,
    seed: Seed = 0,
    test_patients: TestPatients = "LIDC-IDRI-0001,LIDC-IDRI-0003",
    margin: Margin = 20.0,
    allow: Allow = "",
) -> int:
    """Make the data list of LIDC-IDRI nodules, split by patient, from crops or from the collection as published.

    Examples:

      nodulus prepare lidc --crops lidc_nodules -o list.json

      nodulus prepare lidc --dicom LIDC-IDRI --xml tcia-lidc-xml -o list.json
    """
    if (crops is None) == (dicom is None):
        raise UsageError("Expected either --crops or --dicom, got " + ("none" if crops is None else "both"))
    making = making_of(folds, fold, seed, test_patients, margin, allow)
    if crops is not None:
        # Loaded late: `nodulus --help` should not wait for scikit-learn.
        from nodulus.pipeline.data.lidc import prepare_lidc

        held_out = making.division.test_patients
        data = prepare_lidc(crops, output, folds=folds, fold=fold, seed=seed, held_out=tuple(held_out))
        say_of_splits(data)
        for name in (data.model_extra or {}).get("left_out", ()):
            say(f"left out: {name}, which by its table lies outside its crop")
        say(f"wrote {output}")
        return 0
    from nodulus.pipeline.collections.lidc_dicom import HEAD, lidc_nodules, lidc_series
    from nodulus.pipeline.collections.scan_index import index_scans

    root = Path(dicom or "")
    series, n_elsewhere = lidc_series(index_scans(root), xml or root)
    nodules, left_out = lidc_nodules(series, min_readers=min_readers, allow=making.allow)
    if n_elsewhere:
        say(f"passed over: the readings of {n_elsewhere} series that are not below {root}")
    for uid, reason in left_out.items():
        say(f"left out: series {uid}: {reason}")
    return make_list(nodules, output, HEAD, making)


@prepare.command()
def luna16(
    annotations: Annotated[Path, typer.Option("--annotations", help="LUNA16's annotations.csv.")],
    images: Images,
    output: ListFile,
    ratings: Annotated[
        Path | None,
        typer.Option("--ratings", help="LIDC-IDRI's ratings: a list of `prepare lidc`, or a table; else no labels."),
    ] = None,
    folds: Folds = 5,
    fold: Fold = 0,
    seed: Seed = 0,
    test_patients: TestPatients = "",
    margin: Margin = 20.0,
    allow: Allow = "",
) -> int:
    """Make the data list of LUNA16, with malignancy from LIDC-IDRI's readers where it is given.

    Example:

      nodulus prepare luna16 --annotations annotations.csv --images LUNA16 --ratings lidc.json -o list.json
    """
    from nodulus.pipeline.collections.lidc_ratings import read_ratings
    from nodulus.pipeline.collections.luna16 import HEAD, luna16_nodules
    from nodulus.pipeline.collections.scan_index import index_scans

    making = making_of(folds, fold, seed, test_patients, margin, allow)
    rated = [] if ratings is None else read_ratings(ratings)
    nodules = luna16_nodules(annotations, index_scans(images), rated)
    if n_unrated := sum(nodule.ratings is None for nodule in nodules):
        say(f"{n_unrated} of {len(nodules)} nodules are in the list without a label: no ratings are at their places")
    return make_list(nodules, output, HEAD, making)


@prepare.command()
def luna25(
    table: Annotated[Path, typer.Option("--table", help="LUNA25's public CSV.")],
    images: Images,
    output: ListFile,
    folds: Folds = 5,
    fold: Fold = 0,
    seed: Seed = 0,
    test_patients: TestPatients = "",
    margin: Margin = 20.0,
    diameter_else: ElseDiameter = None,
    allow: Allow = "",
) -> int:
    """Make the data list of LUNA25, whose table states no diameters: they are measured in the scans.

    Example:

      nodulus prepare luna25 --table LUNA25_Public_Training_Development_Data.csv --images luna25_images -o list.json
    """
    from nodulus.pipeline.collections.luna25 import HEAD, LAYOUT
    from nodulus.pipeline.collections.scan_index import index_scans
    from nodulus.pipeline.collections.table import nodules_of_table

    making = making_of(folds, fold, seed, test_patients, margin, allow, diameter_else)
    return make_list(nodules_of_table(table, index_scans(images), LAYOUT), output, HEAD, making)


prepare.command()(table)
