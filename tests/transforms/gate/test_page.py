"""The page of the gate's rules is the rules."""

from __future__ import annotations

from pathlib import Path

from nodulus.transforms.gate.image_rules import IMAGE_RULES
from nodulus.transforms.gate.page import render_gate_page
from nodulus.transforms.gate.series_rules import SERIES_RULES


def test_the_committed_page_is_the_rendered_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "series-gate.md"
    assert page.read_text(encoding="utf-8") == render_gate_page()


def test_every_rule_has_a_reason_and_fits_its_table() -> None:
    for rule in (*SERIES_RULES, *IMAGE_RULES):
        assert rule.reason.endswith(".")
        assert not set("|{}") & set(rule.expects + rule.reason + "".join(map(str, rule.limits.values())))


def test_every_limit_stands_on_the_page_with_its_unit() -> None:
    lines = render_gate_page().splitlines()
    for rule in (*SERIES_RULES, *IMAGE_RULES):
        (line,) = {line for line in lines if f"| {rule.expects} |" in line and f"`{rule.code}`" in line}
        assert all(str(limit) in line for limit in rule.limits.values())
