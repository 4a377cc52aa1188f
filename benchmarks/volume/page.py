"""Renders the tables of docs/records/volume.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

PAGE = RECORDS / "volume.md"
START, END = "<!-- figures: written by python -m benchmarks.volume page -->", "<!-- end of figures -->"
OTHERS = "<!-- others: written by python -m benchmarks.volume page -->", "<!-- end of others -->"
_WAYS = {"ball": "ball", "outline": "outline", "point_alone": "point alone, its own diameter"}
_WITHIN = "volume within 25 %"


def write_page(record: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """Write the tables into the page: of validation patients, and of others."""
    of = (_asked, _told, _sizes, _trust, _own_diameter, _point_only)
    tables = (make(record) for make in of)
    who = f"{record['nodules']} validation nodules of {record['patients']} patients."
    write_between(PAGE, START, END, "\n\n".join((who, *tables)))
    write_between(PAGE, *OTHERS, _others(others))


def _others(record: Mapping[str, Any]) -> str:
    rows = [
        (f"{way}, {size}", each["nodules"], _shown(each["dice"]), _shown(each["volume_within_25_percent"]))
        for what, way in _WAYS.items()
        for size, each in record[what].items()
    ]
    return markdown_table(("way, diameter", "nodules", "Dice", _WITHIN), rows) + "\n\n" + _weights(record)


def _weights(record: Mapping[str, Any]) -> str:
    head = ("weight of the ball", f"{_WITHIN}, as the table says", f"{_WITHIN}, as a second reader says")
    by_weight = record["volume_within_25_percent_by_ball_weight"]
    rows = [(weight, _shown(found["stated"]), _shown(found["second_reader"])) for weight, found in by_weight.items()]
    return markdown_table(head, rows)


def _asked(record: Mapping[str, Any]) -> str:
    head = ("asked for", "Dice, ball", "Dice, outline", f"{_WITHIN}, ball", f"{_WITHIN}, outline")
    rows = [
        (
            name,
            *(_shown(found[what]["dice"]) for what in ("ball", "outline")),
            *(_shown(found[what]["volume_within_25_percent"]) for what in ("ball", "outline")),
        )
        for name, found in record["asked"].items()
    ]
    return markdown_table(head, rows)


def _told(record: Mapping[str, Any]) -> str:
    head = ("volume as it is told", _WITHIN, "more than by the outline alone", "volume ratio")
    of_all = {name: (found["settled"], found["settled_less_outline"]) for name, found in record["asked"].items()}
    of_size = {f"as the table says, {name}": (found, None) for name, found in record["settled_sizes"].items()}
    rows = [
        (
            name,
            _shown(found["volume_within_25_percent"]),
            "" if gain is None else _shown(gain),
            f"{found['median_volume_ratio']:.2f}",
        )
        for name, (found, gain) in [*of_all.items(), *list(of_size.items())[1:]]
    ]
    return markdown_table(head, rows)


def _sizes(record: Mapping[str, Any]) -> str:
    return _summaries("diameter", record["sizes"])


def _trust(record: Mapping[str, Any]) -> str:
    return _summaries("outline", record["trust"])


def _summaries(what: str, found: Mapping[str, Any]) -> str:
    head = (what, "nodules", "Dice", _WITHIN, "volume ratio", "long axis", "short axis", "mean HU")
    rows = [
        (
            name,
            each["nodules"],
            _shown(each["dice"]),
            _shown(each["volume_within_25_percent"]),
            f"{each['median_volume_ratio']:.2f}",
            f"{each['median_absolute_long_axis_error_mm']:.1f} mm",
            f"{each['median_absolute_short_axis_error_mm']:.1f} mm",
            f"{each['median_absolute_mean_hu_error']:.0f} HU",
        )
        for name, each in found.items()
    ]
    return markdown_table(head, rows)


def _own_diameter(record: Mapping[str, Any]) -> str:
    return _summaries("point alone, its own diameter", record["own_diameter"])


def _point_only(record: Mapping[str, Any]) -> str:
    rows = [
        (name, _shown(found["dice"]), _shown(found["volume_within_25_percent"]))
        for name, found in record["point_only"].items()
    ]
    return markdown_table(("from the point alone", "Dice", _WITHIN), rows)


def _shown(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
