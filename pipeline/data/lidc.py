"""From the LIDC-IDRI nodule crops to a data list with a patient-grouped validation split."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nodulus.pipeline.files import check_output_dir, sha256_of
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.problems import ProblemCode, UsageError

from .data_list import SPLITS, DataList, DataListItem, hash_data, write_data_list
from .folds import Division
from .places import nodules_outside

# The end-to-end tests score these patients from DICOM.
HELD_OUT = ("LIDC-IDRI-0001", "LIDC-IDRI-0003")

LABEL_MEANING = "mean of the radiologists' malignancy ratings (below 3: benign, above: malignant), not pathology"

# A crop is a few slices of lung, too few for the gate to know Hounsfield units by their histogram.
CROPS_MAY_BE = (ProblemCode.TOO_FEW_SLICES, ProblemCode.NOT_HOUNSFIELD)


def prepare_lidc(
    crops: Path,
    out: Path,
    *,
    folds: int = 5,
    fold: int = 0,
    seed: int = 0,
    held_out: Sequence[str] = HELD_OUT,
) -> DataList:
    """Write the data list of a folder of LIDC-IDRI nodule crops and return it.

    Patients are divided into folds, balanced by label and size; one fold is the validation split, the others train. A
    nodule whose table says that it lies outside its crop is left out and named in the list's ``left_out``: its patch
    would be air under a label.

    Args:
        crops: folder with ``nodules.csv`` and ``images/<nodule_id>.nii.gz``.
        out: where the list is written, JSON; image paths in it are relative to its folder.
        folds: how many folds of patients; the validation split is one of them.
        fold: which fold validates, from 0.
        seed: of the division into folds.
        held_out: patients that go to the test split.

    Raises:
        UsageError: a file is missing, a row of ``nodules.csv`` is bad, the fold does not exist, or
            ``out`` cannot be written.
    """
    division = Division(folds, fold, seed, held_out)
    if Path(out).is_dir():
        raise UsageError(f"Expected a JSON file to write the list to, got the folder {out}")
    check_output_dir(Path(out).parent)
    items = read_crops(Path(crops), Path(out).parent)
    parts = division.divide(items)
    # After the division, so that a nodule left out moves no patient to another fold.
    outside = nodules_outside(items, Path(out).parent, CROPS_MAY_BE)
    training, validation = (
        tuple(item for item in parts[split] if item.nodule_id not in outside) for split in SPLITS[:2]
    )
    data = DataList(training=training, validation=validation, test=tuple(parts["test"]))
    head = _head(folds, fold, seed) | {"left_out": sorted(outside)}
    named = DataList.model_validate(head | dict(data) | {"data_hash": hash_data(data)})
    write_data_list(named, Path(out))
    return named


def read_crops(crops: Path, relative_to: Path) -> list[DataListItem]:
    """Return the nodules of a folder of crops in the order of ``nodules.csv``, image paths relative to a folder."""
    table = crops / "nodules.csv"
    if not table.is_file():
        raise UsageError(f"Expected a folder with nodules.csv and images/, found no {table}")
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows:
        raise UsageError(f"Expected nodules in {table}, got none")
    return [_read_row(row, index, table, relative_to) for index, row in enumerate(rows, start=2)]


def label_of(ratings: Sequence[int]) -> int | None:
    """Return 0 for a mean rating below 3, 1 above 3, and None at 3, where readers are undecided.

    >>> label_of([5, 4, 2]), label_of([1, 2]), label_of([2, 4])
    (1, 0, None)
    """
    total, middle = sum(ratings), 3 * len(ratings)
    return None if total == middle else int(total > middle)


def _read_row(row: Mapping[str, str], line: int, table: Path, relative_to: Path) -> DataListItem:
    try:
        nodule_id = row["nodule_id"]
        image = table.parent / "images" / f"{nodule_id}.nii.gz"
        corners = [float(row[f"bbox_{side}_{axis}_mm"]) for side in ("low", "high") for axis in "xyz"]
        ratings = _readers(row["malignancy"])
        content = {
            "image": Path(os.path.relpath(image, relative_to)).as_posix(),
            "image_sha256": sha256_of(image),
            "nodule_id": nodule_id,
            "patient_id": row["patient_id"],
            "series_uid": row["series_uid"],
            "center_lps_mm": [float(row[f"center_{axis}_mm"]) for axis in "xyz"],
            "diameter_mm": float(row["diameter_mm"]),
            "box_lps_mm": corners,
            "label": label_of(ratings),
            "ratings": ratings,
            "characteristics": {name: _readers(row[name]) for name in CHARACTERISTICS},
            "slice_thickness_mm": float(row["slice_thickness_mm"]),
            "slice_spacing_mm": float(row["slice_spacing_mm"]),
            "pixel_spacing_mm": float(row["pixel_spacing_mm"]),
            "manufacturer": row["manufacturer"],
            "patient_sex": row.get("patient_sex", ""),
            "patient_age": _years(row.get("patient_age", "")),
        }
        return DataListItem.model_validate(content)
    except FileNotFoundError as error:
        raise UsageError(f"Expected the image of line {line} of {table}, found no {error.filename}") from None
    except KeyError as error:
        raise UsageError(f"Expected a column {error} in {table}") from None
    except ValueError as error:
        reason = str(error).splitlines()
        raise UsageError(f"Expected a nodule in line {line} of {table}, got: {' '.join(reason[:3])}") from error


def _readers(text: str) -> list[int]:
    """Return one number per reader."""
    return [int(part) for part in text.split("|")]


def _years(text: str) -> float | None:
    """Return a DICOM age string (``062Y``, ``018M``; PS3.5 section 6.2, AS) in years, None where there is none."""
    if not text:
        return None
    per_year = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
    if len(text) != 4 or text[3] not in per_year:
        msg = f"expected an age as 062Y, got {text!r}"
        raise ValueError(msg)
    return round(int(text[:3]) / per_year[text[3]], 2)


def _head(folds: int, fold: int, seed: int) -> dict[str, object]:
    return {
        "name": "LIDC-IDRI nodules",
        "label_meaning": LABEL_MEANING,
        "description": "Label from the readers' mean malignancy rating (below 3: 0, above: 1, 3: null), not pathology.",
        "licence": "CC BY 3.0, doi:10.7937/K9/TCIA.2015.LO9QL9SX",
        "labels": {"0": "benign", "1": "malignant"},
        "folds": folds,
        "fold": fold,
        "seed": seed,
    }
