"""What other pages say of the label's ceiling, in the record's figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.places import RECORDS

# How many normal distributions the main model sums: the fewest that give what is seen of readers against each other.
MAIN = 2
# How readers stand where none wavers.
AGREED = "all on one side"
RECORD = RECORDS / "ceiling.json"


def interval(found: Mapping[str, float], sign: str = "") -> str:
    """Return a value with its interval."""
    return f"{found['value']:{sign}.3f} [{found['low']:{sign}.3f}, {found['high']:{sign}.3f}]"


def ceiling_in_words() -> str:
    """Return what perfect knowledge of the readers' opinion would reach, by the main model and by the others."""
    record = _record()
    values = [model["perfect"]["value"] for model in record["models"]]
    return (
        "Perfect knowledge of the readers' opinion would reach an AUC of"
        f" {_perfect(record)} on this label, by a model of how they rate; other models say"
        f" {min(values):.3f} to {max(values):.3f}"
    )


def others_in_words() -> str:
    """Return what readers' characteristics reach on a label that others gave, beside the image score on that label."""
    readers = _record()["readers"]
    others, same = readers["others_characteristics"], readers["same_characteristics"]
    return (
        f"On the label of two readers, characteristics as two others rate them reach {interval(others['auc'])} where"
        f" the image score has {interval(others['score'])}; as the same two rate them, {interval(same['auc'])}"
        f" ({others['nodules']} nodules)"
    )


def figures_in_brief() -> dict[str, str]:
    """Return the figures for a page that has no room for sentences: what each is of, and the figure."""
    record = _record()
    others, groups = record["readers"]["others_characteristics"], record["wavering"]["groups"]
    wrong = groups["all"]["wrong"]
    wavering = wrong - groups[AGREED]["wrong"]
    return {
        "others": f"{others['auc']['value']:.3f}",
        "score": f"{others['score']['value']:.3f}",
        "perfect": _perfect(record),
        "wavering": f"all {wrong}" if wavering == wrong else f"{wavering} of {wrong}",
    }


def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def _perfect(record: Mapping[str, Any]) -> str:
    return interval(next(model["perfect"] for model in record["models"] if model["normals"] == MAIN))
