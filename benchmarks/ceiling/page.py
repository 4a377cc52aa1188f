"""Renders the tables of docs/records/ceiling.md from the record and the list of nodules beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

from .wavering import FAR
from .words import MAIN, RECORD, interval

__all__ = ["LIST", "PAGE", "RECORD", "write_page"]
PAGE, LIST = RECORDS / "ceiling.md", RECORDS / "ceiling_nodules.csv"
START, END = "<!-- figures: written by python -m benchmarks.ceiling --page -->", "<!-- end of figures -->"
SHOWN = 30
_READERS = {
    "one_reader": "one reader, on the median of the others",
    "two_readers": "mean of two readers, on two others",
    "others_characteristics": "characteristics as two rate them, on two others",
    "same_characteristics": "characteristics as two rate them, on **the same two**",
}


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    with LIST.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    write_between(PAGE, START, END, "\n\n".join([*_parts(record), *_wavering(record["wavering"]), _worst(rows)]))


def _parts(record: Mapping[str, Any]) -> list[str]:
    at_hand, tested = record["at_hand"], record["tested"]
    return [
        f"{at_hand['nodules']} nodules of {at_hand['patients']} patients at hand; {tested['nodules']} of"
        f" {tested['patients']} patients with a label and an out-of-fold score, whose AUC against the whole panel's"
        f" label is {interval(record['score'])}, pooled.",
        "## Readers against other readers",
        _readers(record["readers"]),
        "## Perfect knowledge of the opinion",
        _models(record),
        _summary(record),
    ]


def _readers(readers: Mapping[str, Any]) -> str:
    head = (
        "who, and who gave the label",
        "nodules",
        "AUC",
        "image score, same label",
        "image score less it",
        "AUC, all at hand",
    )
    rows = [
        (
            words,
            found["nodules"],
            interval(found["auc"]),
            interval(found["score"]),
            interval(found["score_gain"], "+"),
            interval(found["at_hand"]["auc"]),
        )
        for name, words in _READERS.items()
        for found in [readers[name]]
    ]
    return markdown_table(head, rows)


def _models(record: Mapping[str, Any]) -> str:
    models = record["models"]
    head = (
        "",
        "observed",
        *(f"{_sum(each['normals'])}{' (main)' if each['normals'] == MAIN else ''}" for each in models),
    )
    undecided = [
        (
            f"undecided panels of {size}{' or more' if size == max(record['undecided']) else ''}",
            f"{share:.3f}",
            *(f"{each['undecided'][size]:.3f}" for each in models),
        )
        for size, share in record["undecided"].items()
    ]
    against = [
        (
            f"AUC: {_READERS[name]}",
            interval(record["readers"][name]["at_hand"]["auc"]),
            *(f"{each[name]:.3f}" for each in models),
        )
        for name in ("one_reader", "two_readers")
    ]
    rows = [
        ("numbers fitted", "", *(len(each["parameters"]) for each in models)),
        ("log likelihood", "", *(f"{-each['loss']:.1f}" for each in models)),
        *undecided,
        *against,
        ("**AUC: perfect knowledge**", "", *(f"**{interval(each['perfect'])}**" for each in models)),
        ("the same, 95 % of benchmarks of this size", "", *map(_range, models)),
        ("AUC: mean of a second panel of four", "", *(interval(each["second_panel"]) for each in models)),
        ("labels on whose other side the opinion lies", "", *(_percent(each["perfect_errors"]) for each in models)),
    ]
    return markdown_table(head, rows)


def _summary(record: Mapping[str, Any]) -> str:
    main = next(each for each in record["models"] if each["normals"] == MAIN)
    score, perfect = record["score"], main["perfect_on_as_many"]
    inside = perfect["low"] <= score["value"] <= perfect["high"]
    said = "lies inside" if inside else ("lies above" if score["value"] > perfect["high"] else "lies below")
    wrong = record["wavering"]["groups"]["all"]["wrong_share"]
    return (
        f"The image score's {score['value']:.3f} {said} the range in which perfect knowledge would fall on a benchmark"
        f" of this size by the main model, {_range(main)}; it stands on the wrong side of {_percent(wrong)} of the"
        " labels."
    )


def _wavering(found: Mapping[str, Any]) -> list[str]:
    head = (
        "readers of the nodule stand",
        "nodules",
        "score on the wrong side",
        "share",
        f"{FAR} or farther off",
        "AUC",
    )
    rows = [
        (name, each["nodules"], each["wrong"], _percent(each["wrong_share"]), each["far"], _auc(each["auc"]))
        for name, each in found["groups"].items()
    ]
    wrong, right = found["wavering_of_wrong"], found["wavering_of_right"]
    told = (
        f"Of the {wrong['nodules']} nodules on the wrong side, {_percent(wrong['share'])} are such on which not all"
        f" readers stand on one side; of the {right['nodules']} others, {_percent(right['share'])}. By the main model"
        " another panel of the size, where it decides, gives the other label to"
        f" {_percent(found['turned_of_wrong'])} of the first and to {_percent(found['turned_of_right'])} of the second."
    )
    return ["## Where network and label part", markdown_table(head, rows), told]


def _worst(rows: Sequence[Mapping[str, str]]) -> str:
    head = ("nodule", "readers", "ratings", "diameter (mm)", "label", "score", "another panel says otherwise")
    shown = [
        (
            row["nodule_id"],
            row["readers"],
            row["ratings"].replace("|", ", "),
            f"{float(row['diameter_mm']):.1f}",
            ("benign", "malignant")[int(row["label"])],
            f"{float(row['score']):.2f}",
            f"{float(row['turned']):.0%}",
        )
        for row in rows[:SHOWN]
    ]
    return (
        f"The {SHOWN} nodules farthest from their label; all are in [{LIST.name}]({LIST.name}).\n\n"
        f"{markdown_table(head, shown)}"
    )


def _sum(n_normals: int) -> str:
    return "one normal distribution" if n_normals == 1 else f"sum of {n_normals}"


def _range(model: Mapping[str, Any]) -> str:
    return f"{model['perfect_on_as_many']['low']:.3f} to {model['perfect_on_as_many']['high']:.3f}"


def _auc(found: Mapping[str, float] | None) -> str:
    return "one class only" if found is None else interval(found)


def _percent(share: Mapping[str, float] | None) -> str:
    if share is None:
        return "none"
    # Where no draw of patients differs, as at 0 of 130, their interval says nothing.
    spread = f" [{share['low']:.1%}, {share['high']:.1%}]" if share["low"] < share["high"] else ""
    return f"{share['value']:.1%}{spread}"
