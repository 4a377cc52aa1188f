"""The series gate at work: what breaks a rule is refused, or noted where the rule or the user lets it pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nodulus.transforms.problems import Problem, ProblemCode, refuse

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

    def broken(self, rule: GateRule, message: str, items: Sequence[str] = ()) -> None:
        """Note that a rule is broken; raise InputRefusedError unless it only warns or is allowed."""
        if not self.admits(rule):
            raise refuse(rule.code, message, tuple(items))
        allowed = " (allowed)" if rule.action == "refuse" else ""
        self.warnings.append(Problem(rule.code, message + allowed, tuple(items)))
