"""The series gate at work: what breaks a rule is refused, or noted where the rule or the user lets it pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NoReturn

from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode

from .rule import GateRule


class Gate:
    """Collects the warnings of one scan and raises its refusal.

    Args:
        allow: codes of problems that the user admits; each counts only where its rule may be allowed.
    """

    def __init__(self, allow: Collection[ProblemCode] = ()) -> None:
        self.allow = frozenset(allow)
        self.warnings: list[Problem] = []

    def admits(self, rule: GateRule) -> bool:
        """Return whether a scan that breaks the rule passes."""
        return rule.action != "refuse" or (rule.may_be_allowed and rule.code in self.allow)

    def refuse(
        self, rule: GateRule, got: str, place: str = "", items: Sequence[str] = (), *, expected: str = ""
    ) -> NoReturn:
        """Raise InputRefusedError: the rule is one that nobody can allow."""
        raise refusal(rule, got, place, items, expected=expected)

    def judge(
        self,
        rule: GateRule,
        got: str,
        place: str = "",
        items: Sequence[str] = (),
        *,
        expected: str = "",
        outcome: str = "",
    ) -> None:
        """Note that a rule is broken; raise InputRefusedError unless it only warns, sets aside or is allowed.

        Args:
            rule: the rule that is broken.
            got: what came instead.
            place: the file, slice or folder where it was seen.
            items: all that break the rule, by name.
            expected: what was expected here; by default what the rule says.
            outcome: what is done about it, where the rule lets the scan pass.
        """
        problem = problem_of(rule, got, place, items, expected=expected, outcome=outcome)
        if not self.admits(rule):
            raise InputRefusedError(problem)
        if rule.action == "refuse":
            problem = replace(problem, message=f"{problem.message} (allowed)")
        self.warnings.append(problem)


def refusal(
    rule: GateRule, got: str, place: str = "", items: Sequence[str] = (), *, expected: str = ""
) -> InputRefusedError:
    """Return the error to raise where a rule is broken that nobody can allow, so that no gate needs to be at hand."""
    return InputRefusedError(problem_of(rule, got, place, items, expected=expected))


def problem_of(
    rule: GateRule, got: str, place: str = "", items: Sequence[str] = (), *, expected: str = "", outcome: str = ""
) -> Problem:
    """Return the problem of a scan that breaks a rule: the one place where its line is put together.

    >>> from .place_rules import FOLDER_FILES
    >>> problem_of(FOLDER_FILES, "more", "archive").message
    'Expected at most 20000 files in a folder, got more in archive'
    """
    where = f" in {place}" if place else ""
    what_follows = f": {outcome}" if outcome else ""
    return Problem(rule.code, f"Expected {expected or rule.expects}, got {got}{where}{what_follows}", tuple(items))
