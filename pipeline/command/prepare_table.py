"""`nodulus prepare table`: any CSV of nodules whose columns are named by options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
)

if TYPE_CHECKING:
    from nodulus.pipeline.collections.table import Columns


def table(
    table: Annotated[Path, typer.Option("--table", help="CSV of nodules, a row each.")],
    images: Images,
    output: ListFile,
    layout: Annotated[str, typer.Option("--layout", help="Names of columns to begin with: plain, or nlst.")] = "plain",
    patient: Annotated[str | None, typer.Option("--patient", help="Column: whose a nodule is.")] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="Column: the scan, by file name, path below --images or series UID.")
    ] = None,
    x: Annotated[str | None, typer.Option("--x", help="Column: first number of the position.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Column: its second.")] = None,
    z: Annotated[str | None, typer.Option("--z", help="Column: its third.")] = None,
    position: Annotated[
        str | None,
        typer.Option(
            "--position",
            help="What the position counts: lps or ras (mm), voxel (column, row, slice from 0), or instance (column and"
            " row from 0, the slice's DICOM Instance Number).",
        ),
    ] = None,
    nodule: Annotated[
        str | None, typer.Option("--nodule", help="Column: the nodule's name; several joined by + make one. [numbered]")
    ] = None,
    diameter: Annotated[
        str | None, typer.Option("--diameter", help="Column: diameter in mm; `none` has it measured.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Column: benign or malignant.")] = None,
    malignant: Annotated[str, typer.Option("--malignant", help="What the label says then, comma-separated.")] = "",
    benign: Annotated[str, typer.Option("--benign", help="What the label says then, comma-separated.")] = "",
    ratings: Annotated[
        str | None, typer.Option("--ratings", help="Column: readers' malignancy, 1 to 5, as 5|4|4.")
    ] = None,
    keep: Annotated[
        str, typer.Option("--keep", help="Further columns, as patient_age=Age,patient_sex=Gender, comma-separated.")
    ] = "",
    meaning: Annotated[str, typer.Option("--meaning", help="What the labels mean; results say it.")] = "",
    folds: Folds = 5,
    fold: Fold = 0,
    seed: Seed = 0,
    test_patients: TestPatients = "",
    margin: Margin = 20.0,
    diameter_else: ElseDiameter = None,
    allow: Allow = "",
) -> int:
    """Make the data list of any table of nodules; patients stay together, and a scan of two patients is refused.

    Examples:

      nodulus prepare table --table nodules.csv --images scans --patient id --image file --label cancer -o list.json

      nodulus prepare table --layout nlst --table marked.csv --images NLST -o list.json
    """
    from nodulus.pipeline.collections.scan_index import index_scans
    from nodulus.pipeline.collections.table import nodules_of_table

    making = making_of(folds, fold, seed, test_patients, margin, allow, diameter_else)
    named: dict[str, object] = {
        "patient": patient, "image": image, "x": x, "y": y, "z": z, "position": position, "nodule": nodule,
        "diameter": diameter, "label": label, "ratings": ratings, "notes": _pairs(keep) or None,
        "malignant": _values(malignant), "benign": _values(benign),
    }  # fmt: skip
    columns, head = _layout(layout, named)
    stated = {"label_meaning": meaning} if meaning else {}
    return make_list(nodules_of_table(table, index_scans(images), columns), output, {**head, **stated}, making)


def _layout(layout: str, named: dict[str, object]) -> tuple[Columns, dict[str, object]]:
    """Return a layout's columns with those that were named in place of its own, and the head of its list."""
    from dataclasses import replace

    from nodulus.pipeline.collections import nlst
    from nodulus.pipeline.collections.table import Columns

    layouts: dict[str, tuple[Columns, dict[str, object]]] = {
        "plain": (Columns(), {"name": "nodules of a table"}),
        "nlst": (nlst.LAYOUT, dict(nlst.HEAD)),
    }
    if layout not in layouts:
        raise UsageError(f"Expected a layout of {', '.join(layouts)}, got {layout}")
    columns, head = layouts[layout]
    given = {name: value for name, value in named.items() if value is not None}
    for name in ("patient", "diameter"):
        if str(given.get(name, "")).casefold() == "none":
            given[name] = None
    return replace(columns, **given), head  # type: ignore[arg-type]  # Columns checks what it is given


def _values(text: str) -> list[str] | None:
    return [value.strip().casefold() for value in text.split(",") if value.strip()] or None


def _pairs(text: str) -> dict[str, str]:
    """Return ``key=column`` pairs; a column alone keeps its name."""
    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    return {key.strip(): (column or key).strip() for key, _, column in pairs}
