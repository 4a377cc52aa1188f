"""How are the figures shown, stored, and put into docs/records/performance.md?"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.places import RECORDS

from .figures import Agreement, Figure, FloorFigure

PAGE = RECORDS / "performance.md"
START, END = "<!-- figures: written by python -m benchmarks.speed --write-docs -->", "<!-- end of figures -->"
PACKAGES = ("nodulus", "monai", "torch", "SimpleITK", "numpy")


def as_json(measured: Sequence[Figure | FloorFigure | Agreement], command: str) -> dict[str, Any]:
    """Return everything that was measured, and where and when."""

    def those(kind: type) -> list[dict[str, Any]]:
        return [each.as_json() for each in measured if isinstance(each, kind)]

    return {
        "command": command,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "load_at_the_end": os.getloadavg()[0],
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in PACKAGES},
        "figures": those(Figure),
        "floors": those(FloorFigure),
        "agreement": those(Agreement),
    }


def write_page(results: Path, page: Path = PAGE) -> None:
    """Write the tables of stored results between the page's markers."""
    text = page.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"Expected the markers of the figures in {page.name}, got none")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    tables = as_markdown(json.loads(results.read_text(encoding="utf-8")))
    page.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def as_markdown(results: dict[str, Any]) -> str:
    """Return stored results as Markdown: where and when, the table, the floors, and the agreement."""
    machine = results["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    where = (
        f"`{results['command']}`, {results['created'][:10]}, {machine['cores']} shared cores, {machine['system']}, "
        f"load {machine['load_at_the_end']:.1f} at the end; Python {machine['python']}, {packages}."
    )
    agreement = {each["scan"]: each["max_abs_difference_hu"] for each in results["agreement"]}
    figures = _table(
        ("what", "scan", "ours", "against", "takes", "ratio", "goal", "met"),
        [_figure_cells(figure) for figure in results["figures"]],
    )
    floors = _table(
        (
            "scan",
            "bytes",
            "read and inflate",
            "resample",
            "ours, fresh",
            "x floor",
            "ours, cached",
            "agrees with SimpleITK",
        ),
        [_floor_cells(floor, agreement.get(floor["scan"])) for floor in results["floors"]],
    )
    return f"{where}\n\n{figures}\n\n{floors}"


def _figure_cells(figure: dict[str, Any]) -> tuple[str, ...]:
    goal = figure["goal"]
    sign = ">=" if goal["bound"] == "at least" else "<="
    return (
        figure["question"],
        figure["scan"],
        _amount(figure["ours"], figure["unit"]),
        figure["against"],
        _amount(figure["other"], figure["unit"]),
        f"{figure['ratio']:.3g}",
        f"{sign} {goal['value']:g}",
        "yes" if figure["is_met"] else "**no**",
    )


def _floor_cells(floor: dict[str, Any], difference_hu: float | None) -> tuple[str, ...]:
    return (
        floor["scan"],
        f"{floor['n_bytes'] / 2**20:.1f} MiB",
        *(_amount(floor[key], "s") for key in ("read_s", "resample_s", "ours_fresh_s")),
        f"{floor['times_the_floor']:.1f}",
        _amount(floor["ours_cached_s"], "s"),
        "" if difference_hu is None else f"within {difference_hu:.3f} HU",
    )


def _amount(value: float, unit: str) -> str:
    if unit == "s" and value < 1:
        return f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if unit == "s" else f"{value:.0f} {unit}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
