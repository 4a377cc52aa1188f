"""Writes what a network is worth on a data list: metrics.json and a table of its scores, beside diameter alone."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from .atomic_write import replacing_file, write_text
from .data_list import Split, read_data_list
from .metrics import Comparison, compare_scores

BASELINE = "diameter"


class EvaluationReport:
    """Ignite handler that collects each nodule's probability of malignancy and writes metrics.json and nodules.csv.

    The evaluator's dataset holds each labelled nodule twice, with its own box and with the one its diameter implies
    (``load_data_list(..., boxes="both", only_labelled=True)``). Attach it after the postprocessing.

    Args:
        data_list: the list that the dataset was made from.
        split: its part.
        weights: the file that the network was loaded from.
        output_dir: where the two files are written.
        n_resamples: bootstrap samples for the confidence intervals.
        seed: of the bootstrap.
    """

    def __init__(
        self, data_list: str, split: Split, weights: str, output_dir: str, n_resamples: int = 2000, seed: int = 0
    ) -> None:
        self.data_list, self.split, self.weights = Path(data_list), split, Path(weights)
        self.output_dir, self.n_resamples, self.seed = Path(output_dir), n_resamples, seed
        self._rows: dict[str, dict[str, Any]] = {}

    def attach(self, engine: Engine) -> None:
        """Listen to an evaluator."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _start(self, _: Engine) -> None:
        self._rows = {}

    def _collect(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            row = self._rows.setdefault(
                item["nodule_id"],
                {
                    "nodule_id": item["nodule_id"],
                    "patient_id": item["patient_id"],
                    "label": int(item["label"]),
                    "diameter_mm": float(item["diameter_mm"]),
                },
            )
            row[f"malignant_{item['box']}_box"] = float(output["pred"][1])

    def _write(self, _: Engine) -> None:
        rows = list(self._rows.values())
        comparison = self._compare(rows)
        data = read_data_list(self.data_list)
        undecided = sum(item.label is None for item in getattr(data, self.split))
        report = {
            "data_hash": data.data_hash,
            "split": self.split,
            "weights_sha256": hashlib.sha256(self.weights.read_bytes()).hexdigest(),
            **comparison.as_dict(),
            "undecided_not_scored": undecided,
            "label": "mean of the radiologists' malignancy ratings, not pathology",
        }
        _write_table(rows, self.output_dir / "nodules.csv")
        write_text(self.output_dir / "metrics.json", json.dumps(report, indent=2) + "\n")

    def _compare(self, rows: Sequence[dict[str, Any]]) -> Comparison:
        scores = {f"{kind}_box": [row[f"malignant_{kind}_box"] for row in rows] for kind in ("own", "diameter")}
        return compare_scores(
            [row["label"] for row in rows],
            {**scores, BASELINE: [row["diameter_mm"] for row in rows]},
            [row["patient_id"] for row in rows],
            BASELINE,
            self.n_resamples,
            self.seed,
        )


def _write_table(rows: Sequence[dict[str, Any]], path: Path) -> None:
    with replacing_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
