"""The record of the engines: what was measured, as tables, with whether the goals are met."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

from .nodule import GOALS_MS
from .processes import N_SCANS

PAGE = RECORDS / "engines.md"
START, END = "<!-- figures: written by python -m benchmarks.engines --page -->", "<!-- end of figures -->"
TORCH = "torch"
# A whole process by the fastest light engine over torch's, and fifty scans in one run over fifty warm ones, at most.
PROCESS_GOAL, SCANS_GOAL = 1 / 3, 1.3


@dataclass(frozen=True)
class Measured:
    """What a run of the benchmark found, by engine.

    Args:
        threads: that the network may take.
        network_s: seconds of a forward pass, by how many patches go at once.
        nodule_s: seconds of one nodule of a warm scan.
        process_s: seconds on the processor of a whole command for one scan.
        scans_s: the same for fifty scans in one run.
        over_warm: that run over its opening and scoring, by the clock.
    """

    threads: int
    network_s: Mapping[int, Mapping[str, float]]
    nodule_s: Mapping[str, float]
    process_s: Mapping[str, float]
    scans_s: Mapping[str, float]
    over_warm: Mapping[str, float]


def write_page(found: Measured) -> None:
    """Write the tables into the page."""
    write_between(PAGE, START, END, tables(found, os.getloadavg()[0]))


def tables(found: Measured, load: float) -> str:
    """Return what was measured, and whether the goals are met."""
    engines = list(found.nodule_s)
    lines = {f"network, {n} at once, ms": _ms(by) for n, by in found.network_s.items()}
    lines["one nodule of a warm scan, ms"] = _ms(found.nodule_s)
    lines["one scan, whole process, s of processor time"] = {name: f"{s:.2f}" for name, s in found.process_s.items()}
    lines["  over torch's"] = {name: f"{s / found.process_s[TORCH]:.2f}" for name, s in found.process_s.items()}
    lines[f"{N_SCANS} scans in one run, s of processor time"] = {name: f"{s:.1f}" for name, s in found.scans_s.items()}
    lines[f"  over {N_SCANS} warm scans, by the clock"] = {name: f"{x:.2f}" for name, x in found.over_warm.items()}
    rows = [(what.strip(), *(by.get(name, "") for name in engines)) for what, by in lines.items()]
    about = f"{os.cpu_count()} cores, {found.threads} threads, load {load:.1f} at the end."
    return f"{about}\n\n{markdown_table(('', *engines), rows)}\n\n{_goals(found)}"


def _ms(by_engine: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{1000 * seconds:.0f}" for name, seconds in by_engine.items()}


def _goals(found: Measured) -> str:
    fastest = min(found.nodule_s, key=lambda name: found.nodule_s[name])
    light = min(found.process_s, key=lambda name: found.process_s[name])
    steady = min(found.over_warm, key=lambda name: found.over_warm[name])
    goals = [
        (f"one nodule by {fastest}, ms", 1000 * found.nodule_s[fastest], GOALS_MS[0]),
        (f"one nodule by {TORCH}, ms", 1000 * found.nodule_s[TORCH], GOALS_MS[1]),
        (f"a process by {light} over one by {TORCH}", found.process_s[light] / found.process_s[TORCH], PROCESS_GOAL),
        (f"{N_SCANS} scans over {N_SCANS} warm ones, by {steady}", found.over_warm[steady], SCANS_GOAL),
    ]
    rows = [(what, f"{value:.3g}", f"{goal:.3g}", "yes" if value <= goal else "**no**") for what, value, goal in goals]
    return markdown_table(("goal", "measured", "at most", "met"), rows)
