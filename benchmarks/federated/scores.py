"""What each arm said of which nodule, as it is kept between runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nodulus.pipeline.files import replacing_file


@dataclass(frozen=True)
class Scored:
    """What a network said of one nodule, the logit of malignant against benign."""

    maker: str
    split: str
    patient_id: str
    nodule_id: str
    label: int
    margin: float


def write_scored(rows: Sequence[Scored], path: Path) -> None:
    """Write a table of scores."""
    with replacing_file(path) as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Scored)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_scored(path: Path) -> list[Scored]:
    """Return a table of scores."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Scored(**{**row, "label": int(row["label"]), "margin": float(row["margin"])})  # type: ignore[arg-type]
            for row in csv.DictReader(lines)
        ]
