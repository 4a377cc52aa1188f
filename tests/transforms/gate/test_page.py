"""The page of the gate's rules is the rules."""

from __future__ import annotations

from pathlib import Path

from nodulus.transforms.gate.page import render_gate_page
from nodulus.transforms.gate.series_rules import GATE_RULES


def test_the_committed_page_is_the_rendered_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "series-gate.md"
    assert page.read_text(encoding="utf-8") == render_gate_page()


def test_every_rule_has_a_reason_and_fits_its_table() -> None:
    for rule in GATE_RULES:
        assert rule.reason.endswith(".")
        assert "|" not in rule.expects + rule.reason + rule.limit
        assert bool(rule.unit) == bool(rule.tolerance)
