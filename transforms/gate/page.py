"""The rules of the series gate as a page for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .image_rules import IMAGE_RULES
from .mask_rules import MASK_RULES
from .rule import GateRule
from .series_rules import SERIES_RULES

_INTRODUCTION = """\
# The series gate

A scan is accepted with its exact geometry, or refused with a code, one line that says what was expected and what came,
and the offending slices by file name and position. `nodulus check SCAN` runs the gate alone. `--allow CODE` admits what
can be admitted honestly; the result then carries a warning that says so. A scan that breaks a rule which only warns, or
which sets something aside, is scored, and its result says so.

This page is generated: `make schema`.
"""
_HEAD = ("| code | expected | limits | otherwise | `--allow` | why |", "| --- | --- | --- | --- | --- | --- |")


def render_gate_page() -> str:
    """Return the rules as Markdown, the content of docs/reference/series-gate.md."""
    lines = [_INTRODUCTION, "## DICOM series", "", *_table(SERIES_RULES)]
    lines += ["", "## NIfTI, MetaImage and NRRD files", "", *_table(IMAGE_RULES)]
    lines += ["", "## Label masks, beside the rules on an image file's header", "", *_table(MASK_RULES)]
    return "\n".join(lines) + "\n"


def _table(rules: Sequence[GateRule]) -> list[str]:
    return [*_HEAD, *map(_line, rules)]


def _line(rule: GateRule) -> str:
    admits = ("yes" if rule.may_be_allowed else "no") if rule.action == "refuse" else "-"
    return f"| `{rule.code}` | {rule.expects} | {_limits(rule)} | {rule.action} | {admits} | {rule.reason} |"


def _limits(rule: GateRule) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in rule.limits.items()) or "exact"


if __name__ == "__main__":
    sys.stdout.write(render_gate_page())
