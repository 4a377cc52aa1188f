"""`make fuzz`: damaged inputs of every family through the public doors; one table, and each failure in a line."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .families import FAMILIES
from .subject import Family
from .watch import Ended, watch

_BATCH = 300
_COLUMNS = (
    "| family | inputs | refused | read equal | read, other | silently other | exit 1 | hangs, killed | worst s |"
    " peak MiB |"
)
# What stands between them on a page is the run's.
_BEGIN, _END = "<!-- of a run: begin -->\n", "<!-- of a run: end -->\n"


def main() -> int:
    """Run the fuzzers and return 1 when an input ended as none should."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inputs", type=int, default=10_500, help="in all (%(default)s)")
    arguments.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    arguments.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="(%(default)s)")
    arguments.add_argument("--family", help="only this one, with all inputs")
    arguments.add_argument("--page", type=Path, help="also write the table into this page, between its marks")
    options = arguments.parse_args()
    started = time.monotonic()
    families = [one for one in FAMILIES if options.family in (None, one.name)]
    ends = run(families, options.inputs, options.seed, options.jobs)
    failures = [one for one in ends if one.is_failure]
    told = f"{len(ends)} inputs, seed {options.seed}, {time.monotonic() - started:.0f} s"
    lines = [table(families, ends), told]
    lines += [f"{one.end}: {one.family}, {one.subject}, input {one.number}: {one.why}" for one in failures]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.page is not None:
        head = f"{told} on {os.cpu_count()} cores, {options.jobs} at a time; failures: {len(failures)}."
        page = with_run(options.page.read_text(encoding="utf-8"), f"{head}\n\n{table(families, ends)}\n")
        options.page.write_text(page, encoding="utf-8")
    return 1 if failures else 0


def with_run(page: str, text: str) -> str:
    """Return a page with what a run said between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"Expected a page with {_BEGIN.strip()} and {_END.strip()}, got one without")
    return f"{before}{_BEGIN}{text}{_END}{after}"


def run(families: Sequence[Family], n_inputs: int, seed: int, jobs: int) -> list[Ended]:
    """Return how every input ended."""
    of = sum(family.share for family in families)
    batches = []
    for family in families:
        n_family = round(n_inputs * family.share / of)
        batches += [(family.name, seed, start, min(start + _BATCH, n_family)) for start in range(0, n_family, _BATCH)]
    with ThreadPoolExecutor(jobs) as pool:
        return [ended for batch in pool.map(lambda batch: list(watch(*batch)), batches) for ended in batch]


def table(families: Sequence[Family], ends: Sequence[Ended]) -> str:
    """Return the table: a row a family, and all of them."""
    rows = [_row(family.name, [one for one in ends if one.family == family.name]) for family in families]
    rule = "| --- |" + " ---: |" * (_COLUMNS.count("|") - 2)
    return "\n".join([_COLUMNS, rule, *rows, _row("all", ends)])


def _row(name: str, ends: Sequence[Ended]) -> str:
    def count(*kinds: str) -> str:
        return str(sum(one.end in kinds for one in ends))

    counts = [count(kind) for kind in ("refused", "equal", "other", "silent", "error")]
    worst = max((one.seconds for one in ends), default=0.0)
    peak = max((one.peak_mib for one in ends), default=0.0)
    cells = [name, str(len(ends)), *counts, count("hang", "killed"), f"{worst:.1f}", f"{peak:.0f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
