"""The figures of a run over many cases as tables of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EFFICIENCY, GROWTH = 0.9, 1.05
_TIMED = ("serial", "two shards", "two jobs", "ray")
_KILLED = ("killed first", "killed jobs", "killed on ray")


def report(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return two tables: how fast and to which bytes, and what was lost by kills."""
    serial = figures["serial"]
    lines = [f"{figures['table']['n_cases']} cases", ""]
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
        lines.append(f"| {' | '.join(map(str, cells))} | {100 * (found['memory_growth'] - 1):+.1f} % | {same} |")
    lines += [
        "",
        "| killed by `kill -9` | cases | kills | lost | doubled | same bytes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in _KILLED:
        if name in figures:
            found = figures[name]
            counts = (found[each] for each in ("n_cases", "kills", "lost", "doubled"))
            lines.append(f"| {name} | {' | '.join(map(str, counts))} | {'yes' if found['same_bytes'] else '**no**'} |")
    return "\n".join(lines) + "\n"
