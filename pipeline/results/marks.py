"""Of which nodules something is said that a reader must see beside the score."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode, printable

from .record import CaseResult, NoduleResult


def is_place_doubtful(case: CaseResult, nodule: NoduleResult) -> bool:
    """Return whether a warning of the case says that a nodule's place may be in another frame."""
    doubtful = {item for one in case.warnings if one.code == ProblemCode.FRAME_DOUBTFUL.value for item in one.items}
    return printable(nodule.nodule_id) in doubtful


def is_marked(case: CaseResult, nodule: NoduleResult) -> bool:
    """Return whether a nodule is flagged, was not scored, or lies in a doubtful place."""
    return bool(nodule.flags or nodule.problem) or is_place_doubtful(case, nodule)
