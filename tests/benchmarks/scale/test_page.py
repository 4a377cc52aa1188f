"""What runs have left becomes the page's tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.scale.page import END, START, growth_report, report, write_page
from tests.load import page as listener_page

TIMED = {"scans_a_second": 2.0, "cores": 1, "cpu_s_a_scan": 0.5, "memory_growth": 1.01, "memory_from_case": 500}
FIGURES: dict[str, Any] = {
    "table": {"n_cases": 1500, "has_small_network": True},
    "serial": {**TIMED, "done_at_s": {"10": 9.0, "1000": 505.0}},
    "two shards": {**TIMED, "scans_a_second": 3.8, "cores": 2, "same_bytes": False},
    "killed jobs": {"n_cases": 400, "kills": 5, "lost": 0, "doubled": 0, "same_bytes": True},
}


def test_efficiency_loss_and_the_hours_of_ten_thousand_are_told() -> None:
    text = report(FIGURES)
    assert "| two shards | 3.8 | 0.95 | 500.0 | 1.00 | +1.0 % | **no** |" in text
    assert "| killed jobs | 400 | 5 | 0 | 0 | yes |" in text
    assert "1500 cases, a network that costs next to nothing" in text
    assert "10,000 cases take one core 1.4 hours" in text


def test_growth_is_not_told_of_two_spans_that_are_one() -> None:
    text = report({"table": {"n_cases": 900}, "serial": FIGURES["serial"]})
    assert "| serial | 2.0 | 1.00 | 500.0 | 1.00 | not measured | yes |" in text
    assert "killed" not in text


def test_a_page_is_written_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    (tmp_path / "figures.json").write_text(json.dumps(FIGURES))
    (tmp_path / "growth.json").write_text(json.dumps({"slices": {"10": 0.1, "2000": 0.9}}))
    write_page([tmp_path], page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert growth_report({"slices": {"10": 0.1, "2000": 0.9}}) in text


def test_a_load_and_hostile_senders_are_told_apart(tmp_path: Path) -> None:
    spread = {"median": 1.0, "p95": 2.0, "max": 3.0}
    ended = {"seconds": 9, "load_average": [1.0, 2.0, 3.0]}
    load = {
        **dict.fromkeys(("studies", "objects", "acknowledgements", "kills", "objects_lost", "objects_doubled"), 7),
        **dict.fromkeys(("revised", "strangers", "strangers_let_in", "studies_a_second", "quiet_s"), 1),
        **dict.fromkeys(("acknowledged_ms", "outage_s"), spread),
        **{"report_after_quiet_s": None, "report_after_quiet_with_kills_s": spread, "studies_that_met_no_kill": 0},
        **{"answers_lost": [3], "answers_doubled": []},
        **ended,
    }
    hostile = {"objects": 5, "units": 6, "ends": {"object: 0x0000": 5}, "sound_refused": 0, "crashes": 0}
    hostile |= {"written_outside": [], "odd_names": [], "stored_directly": {"new": 3, "damaged": 4}, **ended}
    page = tmp_path / "page.md"
    names = ("load", "hostile")
    start = "<!-- {0}: written by python -m tests.load --write-docs {0} FILE -->\n<!-- end of {0} -->\n"
    page.write_text("".join(start.format(name) for name in names))
    for name, found in zip(names, (load, hostile), strict=True):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(found))
        listener_page.write_figures(name, path, page)
    assert "| answers lost, doubled | 1, 0 |" in page.read_text()
    assert "(0 studies that met no kill) | none |" in page.read_text()
    assert "| hostile objects given to a spool; sent; hostile units sent | 7, 5, 6 |" in page.read_text()
