"""One gate: what it refuses, what it notes, and the one line in which it says so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import nodulus.transforms.gate
from nodulus.transforms.gate import image_rules, mask_rules, place_rules, series_rules, value_rules
from nodulus.transforms.gate.image_rules import IMAGE_RULES
from nodulus.transforms.gate.mask_rules import MASK_RULES
from nodulus.transforms.gate.rule import GateRule, Limit
from nodulus.transforms.gate.series_rules import SERIES_RULES
from nodulus.transforms.gate.verdict import Gate, problem_of, refusal
from nodulus.transforms.problems import InputRefusedError, ProblemCode

ROOM = Path(nodulus.transforms.gate.__path__[0])
RULES = {
    name: rule
    for module in (place_rules, series_rules, value_rules, image_rules, mask_rules)
    for name, rule in vars(module).items()
    if isinstance(rule, GateRule)
}
# What defines the rules, and what prints them.
TABLES = (
    "place_rules.py",
    "series_rules.py",
    "value_rules.py",
    "image_rules.py",
    "mask_rules.py",
    "page.py",
    "rule.py",
)


def sources() -> list[Path]:
    found = [path for path in ROOM.parent.rglob("*.py") if not (path.parent == ROOM and path.name in TABLES)]
    assert len(found) > 50
    return found


def rule_of(action: str, may_be_allowed: bool = False) -> GateRule:
    limits = {"at_most": Limit(2, "mm")}
    return GateRule(ProblemCode.TILTED, "{at_most}", "A reason.", limits, action, may_be_allowed)  # type: ignore[arg-type]  # one of three words


def test_the_line_is_expected_got_and_place() -> None:
    rule = rule_of("refuse")
    assert problem_of(rule, "5 mm", "a.dcm").message == "Expected 2 mm, got 5 mm in a.dcm"
    assert problem_of(rule, "5 mm", expected="less").message == "Expected less, got 5 mm"
    assert (
        problem_of(rule, "none", "a.nii", outcome="read as mm").message
        == "Expected 2 mm, got none in a.nii: read as mm"
    )
    assert problem_of(rule, "5 mm", "a", ("b\n", "c")).items == ("b\\x0a", "c")


def test_refuse_and_refusal_say_the_same_whatever_is_allowed() -> None:
    rule = rule_of("refuse")
    with pytest.raises(InputRefusedError) as caught:
        Gate([ProblemCode.TILTED]).refuse(rule, "5 mm", "a.dcm", ["a.dcm"])
    assert caught.value.problem == refusal(rule, "5 mm", "a.dcm", ["a.dcm"]).problem


@pytest.mark.parametrize(
    ("rule", "allow", "noted"),
    [
        (rule_of("refuse", True), [ProblemCode.TILTED], "Expected 2 mm, got 5 mm in a.dcm (allowed)"),
        (rule_of("refuse", True), [ProblemCode.LOSSY], None),
        (rule_of("refuse"), [ProblemCode.TILTED], None),
        (rule_of("warn"), [], "Expected 2 mm, got 5 mm in a.dcm"),
        (rule_of("set aside"), [], "Expected 2 mm, got 5 mm in a.dcm"),
    ],
)
def test_judge_notes_what_may_pass(rule: GateRule, allow: list[ProblemCode], noted: str | None) -> None:
    gate = Gate(allow)
    if noted is None:
        with pytest.raises(InputRefusedError, match=r"tilted: Expected 2 mm, got 5 mm in a\.dcm$"):
            gate.judge(rule, "5 mm", "a.dcm")
    else:
        gate.judge(rule, "5 mm", "a.dcm")
    assert [problem.message for problem in gate.warnings] == ([noted] if noted else [])


def test_every_rule_is_on_the_page_and_asked_by_code() -> None:
    asked = {
        node.id for path in sources() for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    }
    assert set(RULES.values()) == {*SERIES_RULES, *IMAGE_RULES, *MASK_RULES}
    assert {name for name in RULES if name not in asked} == set()


def test_nothing_is_refused_but_by_a_rule() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or path.parent == ROOM or path.name == "problems.py":
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in ("Problem", "InputRefusedError", "problem_of"), f"{path.name}:{node.lineno}"
            if name in ("refuse", "refusal", "judge"):
                first = node.args[0]
                rule = RULES.get(first.id) if isinstance(first, ast.Name) else None
                assert rule is not None or ast.unparse(first) == "rule", f"{path.name}:{node.lineno}"
                # What the user can allow must ask whether it is.
                never_allowed = rule is None or (rule.action == "refuse" and not rule.may_be_allowed)
                assert name == "judge" or never_allowed, f"{path.name}:{node.lineno}"
