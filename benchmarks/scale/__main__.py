"""Measure: python -m benchmarks.scale --cases 10000 -o out/scale; goes on with the steps that are not done yet.

`--small-network` takes a network that costs next to nothing in the shipped one's place; `--growth` measures what the
cost grows with; `--write-docs` puts the figures into docs/records/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.small_bundle import write_small_bundle

from . import growth
from .kills import kill_firsts, kill_workers
from .page import report, write_page
from .same import lost_and_doubled, same_results
from .table import first_cases, write_table
from .watch import Watched, infer, watch

# The start of the processes is over by then; what is loaded once is loaded by then.
FROM_CASE, MEMORY_FROM = 50, 500
N_KILLS, N_KILLED_CASES = 5, 400
Figures = dict[str, object]


@dataclass(frozen=True)
class Bench:
    """One call: so many cases under a folder, the figures of each step that is done in its ``figures.json``."""

    home: Path
    n_cases: int
    has_small_network: bool = False

    @property
    def table(self) -> Path:
        """The table of all cases."""
        return self.home / "cases" / "cases.csv"

    def run(self) -> dict[str, Figures]:
        """Do the steps that are not done, and return the figures of all."""
        self.home.mkdir(parents=True, exist_ok=True)
        figures = self._read()
        if self.has_small_network:  # all commands that are measured hear of it, Ray's workers too
            os.environ["NODULUS_BUNDLE"] = str(write_small_bundle(self.home.resolve() / "bundle"))
        for name, step in self._steps().items():
            if name not in figures:
                figures[name] = step()
                (self.home / "figures.json").write_text(json.dumps(figures, indent=2))
                sys.stderr.write(f"{name}: {figures[name]}\n")
        return figures

    def _read(self) -> dict[str, Figures]:
        path = self.home / "figures.json"
        found: dict[str, Figures] = json.loads(path.read_text()) if path.is_file() else {}
        return found if found.get("table", {}).get("n_cases") == self.n_cases else {}

    def _steps(self) -> dict[str, Callable[[], Figures]]:
        steps: dict[str, Callable[[], Figures]] = {
            "table": self._table,
            "serial": partial(self._timed, "serial", 1),
            "two shards": self._shards,
            "two jobs": partial(self._timed, "jobs", 2, "--jobs", "2"),
        }
        killed = {"killed first": partial(self._killed, "killed-first", kill_firsts)}
        killed["killed jobs"] = partial(self._killed, "killed-jobs", kill_workers, "--jobs", "2")
        if find_spec("ray") is not None:
            steps["ray"] = partial(self._timed, "ray", 2, "--ray", "local", "--jobs", "2")
            killed["killed on ray"] = partial(self._killed, "killed-ray", kill_workers, "--ray", "local", "--jobs", "2")
        return steps | killed

    def _table(self) -> Figures:
        write_table(self.home / "cases", self.n_cases)
        return {"n_cases": self.n_cases, "has_small_network": self.has_small_network}

    def _timed(self, name: str, n_cores: int, *how: str) -> Figures:
        output = self.home / name
        shutil.rmtree(output, ignore_errors=True)
        return self._figures(watch([infer(self.table, output, *how)], [output]), output, n_cores)

    def _shards(self) -> Figures:
        outputs = [self.home / "shards" / number for number in "12"]
        shutil.rmtree(self.home / "shards", ignore_errors=True)
        told = [infer(self.table, output, "--shard", f"{output.name}/2") for output in outputs]
        watched, joined = watch(told, outputs), self.home / "joined"
        shutil.rmtree(joined, ignore_errors=True)
        merge = [sys.executable, "-m", "nodulus", "merge", *map(str, outputs), "-o", str(joined), "--quiet"]
        merged = watch([merge], [joined])
        found = self._figures(watched, joined, 2)
        return found | {"merge_s": round(merged.seconds, 1)}

    def _killed(self, name: str, kill: Callable[..., int], *how: str) -> Figures:
        n_cases = min(self.n_cases, N_KILLED_CASES)
        table, output = first_cases(self.table, n_cases), self.home / name
        n_kills = kill(table, output, n_cases, N_KILLS, n_cases, *how)
        lost, doubled = lost_and_doubled(output, n_cases)
        same = same_results(self.home / "serial", output, n_cases)
        return {"n_cases": n_cases, "kills": n_kills, "lost": lost, "doubled": doubled, "same_bytes": same}

    def _figures(self, watched: Watched, output: Path, n_cores: int) -> Figures:
        first = min(MEMORY_FROM, self.n_cases // 3)
        found: Figures = {
            "seconds": round(watched.seconds, 1),
            "scans_a_second": round(watched.scans_a_second(min(FROM_CASE, first)), 2),
            "cpu_s_a_scan": round(sum(watched.cpu_s.values()) / self.n_cases, 4),
            "cores": n_cores,
            "memory_growth": round(watched.growth(first), 3),
            "memory_from_case": first,
            "exit_codes": watched.exit_codes,
            "done_at_s": _milestones(watched),
        }
        if output.name != "serial":
            found["same_bytes"] = same_results(self.home / "serial", output, self.n_cases)
        return found


def _milestones(watched: Watched) -> dict[str, float]:
    """Return when ten, a hundred, a thousand cases and all were done."""
    last = watched.samples[-1].n_done
    wanted = [n for n in (10, 100, 1000, 10_000) if n < last] + [last]
    return {str(n): round(next(s.seconds for s in watched.samples if s.n_done >= n), 1) for n in wanted}


def measure_growth(home: Path) -> None:
    """Measure what is not measured yet of what the cost grows with, and keep it in ``growth.json``."""
    path = home / "growth.json"
    home.mkdir(parents=True, exist_ok=True)
    found: dict[str, Figures] = json.loads(path.read_text()) if path.is_file() else {}
    small = write_small_bundle(home.resolve() / "bundle")
    steps: dict[str, Callable[[], growth.Seconds]] = {
        "slices": lambda: growth.slices_figures(home),
        "missing cases": lambda: growth.missing_cases_figures(home, small),
        "nodules, small network": lambda: growth.nodules_figures(home, small),
        "nodules": lambda: growth.nodules_figures(home, None),
        "many nodules, small network": lambda: growth.many_nodules_figures(home, small),
    }
    for name, step in steps.items():
        if name not in found:
            found[name] = dict(step())
            path.write_text(json.dumps(found, indent=2))
            sys.stderr.write(f"{name}: {found[name]}\n")


def main() -> None:
    """Read the options, measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/scale"))
    parser.add_argument("--small-network", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--write-docs", nargs="+", type=Path, metavar="OUT", help="folders of runs")
    options = parser.parse_args()
    if options.write_docs:
        write_page(options.write_docs)
    elif options.growth:
        measure_growth(options.output)
    else:
        sys.stdout.write(report(Bench(options.output, options.cases, options.small_network).run()))


if __name__ == "__main__":
    main()
