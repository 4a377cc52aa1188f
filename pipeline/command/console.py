"""What the command shows people: progress, the table of scores, where the results lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.results.record import CaseResult, NoduleResult, ProblemRecord
from nodulus.pipeline.statistics.operating_points import POINT_NAMES, OperatingPoint
from nodulus.transforms.problems import printable

from .say import say
from .score_table import legend, print_score_table

# What users name (nodules, cases, paths) is shown as it is, brackets included.
console = Console(markup=False, emoji=False)
error_console = Console(stderr=True, markup=False, emoji=False)


def print_written(results: Sequence[CaseResult], written: Iterable[Path], bundle: BundleIdentity) -> None:
    """Print the scores, what was refused, what the score means, where the files lie; of a refusal only its reason."""
    print_score_table(console, results)
    for case in results:
        _print_source(case)
        _print_gaps(case, "Brock model", _brock_gap)
        _print_gaps(case, "score", lambda nodule: nodule.patient.in_words if nodule.patient else None)
        _print_gaps(case, "not measured", lambda nodule: nodule.measures.problem if nodule.measures else None)
        _print_gaps(case, "no band", lambda nodule: nodule.stability.problem if nodule.stability else None)
        _print_problems(case)
    if any(nodule.probabilities for case in results for nodule in case.nodules):
        points = map(_point_line, bundle.operating_points)
        for line in (bundle.score_meaning, *points, *legend(results)):
            _print_aside(line)
    if any(case.status == "scored" for case in results):
        say(written=written)


def _print_gaps(case: CaseResult, what: str, gap_of: Callable[[NoduleResult], str | None]) -> None:
    """Print what keeps nodules from a number that others have: once a reason, with their names."""
    nodules_by_gap: dict[str, list[str]] = {}
    for nodule in case.nodules:
        if gap := gap_of(nodule):
            nodules_by_gap.setdefault(gap, []).append(nodule.nodule_id)
    for gap, names in nodules_by_gap.items():
        _print_aside(f"{what}: {gap} ({', '.join(names)})")


def _brock_gap(nodule: NoduleResult) -> str | None:
    """Return what keeps the Brock model from its word, where the table tells anything that it asks."""
    if nodule.brock is None or nodule.brock.probability_cancer is not None:
        return None
    return nodule.brock.problem or f"the table lacks {', '.join(nodule.brock.missing)}"


def _point_line(point: OperatingPoint) -> str:
    """Return what the sign of an operating point says."""
    place = dict(zip(POINT_NAMES, ("first", "second"), strict=True))[point.name]
    return (
        f"calls, {place} sign: + for {point.threshold:.2f} malignant or more; on validation patients sensitivity "
        f"{point.sensitivity}, specificity {point.specificity}"
    )


def _print_source(case: CaseResult) -> None:
    source = case.nodules_from
    if source is not None and case.status == "scored":
        line = f"{case.case_id}: nodules from {source.format}, positions in {source.frame} ({source.frame_is})"
        _print_aside("; ".join((line, *source.notes)))


def note(line: str) -> None:
    """Print a line about the run on standard error."""
    say(f"nodulus: {line}", err=True)


def print_problems(results: Iterable[CaseResult]) -> None:
    """Print what is wrong with cases and nodules, on standard error."""
    for case in results:
        _print_problems(case)


def _print_problems(case: CaseResult) -> None:
    for warning in case.warnings:
        _print_problem(case, "warning", warning)
    if case.problem is not None:
        _print_problem(case, case.status, case.problem)
    for nodule in case.nodules:
        for flag in nodule.flags:
            _print_problem(case, f"{nodule.nodule_id}: flagged", flag)
        if nodule.problem is not None:
            _print_problem(case, "not scored", nodule.problem)


def _print_problem(case: CaseResult, what: str, problem: ProblemRecord) -> None:
    say(f"nodulus: {case.case_id}: {what}: {problem.code}: {problem.message}", err=True)


def _print_aside(line: str) -> None:
    console.print(printable(line), style="dim", highlight=False)
