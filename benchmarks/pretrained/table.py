"""What an exploration found, as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LAST = 5


def read_lines(folder: Path) -> list[dict[str, Any]]:
    """Return what each trained network left in a folder, in order of variant, seed and fold."""
    files = sorted(folder.glob("explore_*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted(found, key=lambda each: (each["variant"], each["seed"], each["fold"]))


def as_markdown(found: Sequence[dict[str, Any]]) -> str:
    """Return a row a variant and seed: in each fold the mean AUC of the last five epochs, and their mean.

    >>> print(as_markdown([{"variant": "a", "seed": 0, "fold": 2, "aucs": [0.5, 0.9, 0.9, 0.9, 0.9, 0.9]}]))
    | variant | seed | fold 2 | mean |
    | --- | --- | --- | --- |
    | a | 0 | 0.900 | 0.900 |
    """
    folds = sorted({each["fold"] for each in found})
    lines = [f"| variant | seed | {' | '.join(f'fold {fold}' for fold in folds)} | mean |"]
    lines.append("| --- | --- |" + " --- |" * (len(folds) + 1))
    for variant, seed in sorted({(each["variant"], each["seed"]) for each in found}):
        of_fold = {
            each["fold"]: sum(each["aucs"][-LAST:]) / len(each["aucs"][-LAST:])
            for each in found
            if (each["variant"], each["seed"]) == (variant, seed)
        }
        cells = [f"{of_fold[fold]:.3f}" if fold in of_fold else "" for fold in folds]
        mean = f"{sum(of_fold.values()) / len(folds):.3f}" if len(of_fold) == len(folds) else ""
        lines.append(f"| {variant} | {seed} | {' | '.join(cells)} | {mean} |")
    return "\n".join(lines)
