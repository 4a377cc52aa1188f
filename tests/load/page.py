"""The figures of loads and hostile senders as tables of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import write_between

PAGE = RECORDS / "listener.md"


def write_figures(name: str, result: Path, page: Path = PAGE) -> None:
    """Write the figures of a run, which are in a file, between the page's markers of a name."""
    found = json.loads(result.read_text(encoding="utf-8"))
    start = f"<!-- {name}: written by python -m tests.load --write-docs {name} FILE -->"
    text = table(dict(_load(found) if "studies" in found else _hostile(found)))
    write_between(page, start, f"<!-- end of {name} -->", text)


def table(cells: Mapping[str, str]) -> str:
    """Return two columns: what was measured, and what was found."""
    return "\n".join(["| measured | |", "| --- | ---: |", *(f"| {name} | {cell} |" for name, cell in cells.items())])


def _load(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "studies; objects; acknowledgements", _counts(found, "studies", "objects", "acknowledgements")
    yield "`kill -9` of the listener", str(found["kills"])
    yield "objects lost, doubled", _counts(found, "objects_lost", "objects_doubled")
    lost, doubled = len(found["answers_lost"]), len(found["answers_doubled"])
    yield "answers lost, doubled", f"{lost}, {doubled}"
    yield "answers revised, after late images", str(found["revised"])
    yield "associations of strangers; of these let in", _counts(found, "strangers", "strangers_let_in")
    yield "object to acknowledgement, as its sender sees it, ms", _spread(found["acknowledged_ms"])
    rate, quiet = found["studies_a_second"], found["quiet_s"]
    yield "studies begun a second; quiet time, s", f"{rate:g}; {quiet:g}"
    told = f"last C-STORE to report in Orthanc, less the quiet time, s ({found['studies_that_met_no_kill']} studies"
    yield f"{told} that met no kill)", _spread(found["report_after_quiet_s"])
    yield "the same of all studies, s", _spread(found["report_after_quiet_with_kills_s"])
    yield "from a kill to the next listener's loaded model, s", _spread(found["outage_s"])
    yield from _ended(found)


def _hostile(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stored = sum(found["stored_directly"].values())
    counts = f"{stored}, {found['objects']}, {found['units']}"
    yield "hostile objects given to a spool; sent; hostile units sent", counts
    yield "written outside the spool", str(len(found["written_outside"]))
    yield "names in the spool that are not ours", str(len(found["odd_names"]))
    yield "crashes", str(found["crashes"])
    yield "objects of a sound study refused afterwards", str(found["sound_refused"])
    ends = ", ".join(f"{name} {n}" for name, n in sorted(found["stored_directly"].items()))
    yield "how objects ended that were given", ends
    yield "how those ended that were sent", ", ".join(f"{name} {n}" for name, n in sorted(found["ends"].items()))
    yield from _ended(found)


def _ended(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    load = ", ".join(f"{each:.1f}" for each in found["load_average"])
    yield "seconds in all; load averages of the machine (two cores) at the end", f"{found['seconds']}; {load}"


def _counts(found: Mapping[str, Any], *names: str) -> str:
    return ", ".join(str(found[name]) for name in names)


def _spread(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "none"
    return ", ".join(f"{name} {value:.3g}" for name, value in found.items())
