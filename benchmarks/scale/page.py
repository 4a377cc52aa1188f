"""The figures of a run over many cases as tables of a page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import write_between

PAGE = RECORDS / "scale.md"
START, END = "<!-- figures: written by python -m benchmarks.scale --write-docs -->", "<!-- end of figures -->"

EFFICIENCY, GROWTH = 0.9, 1.05
_TIMED = ("serial", "two shards", "two jobs", "ray")
_KILLED = ("killed first", "killed jobs", "killed on ray")


def report(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return two tables: how fast and to which bytes, and what was lost by kills."""
    serial = figures["serial"]
    table = figures["table"]
    network = "a network that costs next to nothing" if table.get("has_small_network") else "the shipped network"
    hours = 10_000 / serial["scans_a_second"] / 3600
    lines = [f"**{table['n_cases']} cases, {network}**", ""]
    lines += ["| run | scans/s | x serial a core | CPU ms a scan | CPU, x serial | growth | same bytes |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for name in _TIMED:
        if name not in figures:
            continue
        found = figures[name]
        a_core = found["scans_a_second"] / found["cores"] / serial["scans_a_second"]
        cpu = found["cpu_s_a_scan"]
        cells = (
            name,
            found["scans_a_second"],
            f"{a_core:.2f}",
            f"{1000 * cpu:.1f}",
            f"{cpu / serial['cpu_s_a_scan']:.2f}",
        )
        same = {True: "yes", False: "**no**"}.get(found.get("same_bytes", True))
        # Two spans of as many cases, one after the other, and as many before them.
        is_growth = table["n_cases"] >= 3 * found["memory_from_case"]
        growth = f"{100 * (found['memory_growth'] - 1):+.1f} %" if is_growth else "not measured"
        lines.append(f"| {' | '.join(map(str, cells))} | {growth} | {same} |")
    if any(name in figures for name in _KILLED):
        lines += ["", "| killed by `kill -9` | cases | kills | lost | doubled | same bytes |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
    for name in _KILLED:
        if name in figures:
            found = figures[name]
            counts = (found[each] for each in ("n_cases", "kills", "lost", "doubled"))
            lines.append(f"| {name} | {' | '.join(map(str, counts))} | {'yes' if found['same_bytes'] else '**no**'} |")
    done = ", ".join(f"{seconds:g} s for {n}" for n, seconds in serial["done_at_s"].items())
    n_cases = serial["memory_from_case"]
    lines += ["", f"One process, start included: {done}."]
    lines.append(
        f"Growth: the most memory of a process in the last {n_cases} cases, against cases {n_cases} to {2 * n_cases}."
    )
    lines.append(f"At its rate 10,000 cases take one core {hours:.1f} hours.")
    return "\n".join(lines) + "\n"


def growth_report(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table a question: what the cost grows with."""
    units = {"slices": "s to open and to score one nodule", "missing cases": "s of `nodulus infer`"}
    lines: list[str] = []
    for name, seconds in found.items():
        unit = units.get(name, "s of `nodulus infer`" if name.startswith("many") else "s to open and to score")
        lines += [f"| {name} | {' | '.join(seconds)} |", f"| --- |{' ---: |' * len(seconds)}"]
        lines += [f"| CPU, {unit} | {' | '.join(f'{each:g}' for each in seconds.values())} |", ""]
    return "\n".join(lines)


def write_page(homes: Sequence[Path], page: Path = PAGE) -> None:
    """Write the figures of runs, each in its folder, between the page's markers."""
    told = [where()]
    for home in homes:
        if (figures := home / "figures.json").is_file():
            told.append(report(json.loads(figures.read_text(encoding="utf-8"))))
        if (grown := home / "growth.json").is_file():
            told.append(growth_report(json.loads(grown.read_text(encoding="utf-8"))))
    write_between(page, START, END, "\n".join(told).rstrip())


def where() -> str:
    """Return when and on what a page was written."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("nodulus", "monai", "torch"))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    machine = f"{os.cpu_count()} cores shared with other work (load averages when this was written {load})"
    return f"{date.today()}, {machine}; {versions}.\n"
