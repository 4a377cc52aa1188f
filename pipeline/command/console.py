"""What the command shows people: progress, the table of scores, where the results lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.scoring.results import CaseResult, NoduleResult, ProblemRecord
from nodulus.pipeline.statistics.operating_points import POINT_NAMES, OperatingPoint

# What users name (nodules, cases, paths) is shown as it is, brackets included.
console = Console(markup=False, emoji=False)
error_console = Console(stderr=True, markup=False, emoji=False)


# Internal structure is soft tissue in nearly every nodule of LIDC-IDRI: it says nothing.
SHOWN_CHARACTERISTICS = tuple(name for name in CHARACTERISTICS if name != "internal_structure")


def print_written(results: Iterable[CaseResult], written: Iterable[Path], bundle: BundleIdentity) -> None:
    """Print the scores, what was refused, what the score means and where the files lie."""
    results = list(results)
    console.print(score_table(results))
    for case in results:
        _print_characteristics(case)
        _print_source(case)
        _print_problems(case)
    console.print(bundle.score_meaning, style="dim", highlight=False)
    for point in bundle.operating_points:
        console.print(_point_line(point), style="dim", highlight=False)
    say(written=written)


def say(*lines: str, written: Iterable[Path] = ()) -> None:
    """Print lines whole, however narrow the terminal, and then the path of each file that was written."""
    for line in (*lines, *(f"wrote {path}" for path in written)):
        console.print(line, highlight=False, soft_wrap=True)


def score_table(results: Sequence[CaseResult]) -> Table:
    """Return the table of scores, one row a nodule; the cases are named where there are several."""
    has_many = len(results) > 1
    table = Table(box=SIMPLE_HEAD, title=None if has_many else results[0].case_id, title_justify="left")
    if has_many:
        table.add_column("case", overflow="fold")
    table.add_column("nodule", overflow="fold")
    table.add_column("centre (LPS mm)", no_wrap=True)
    for name in ("mm", "benign", "malignant", "size only"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("calls", justify="center", no_wrap=True)
    for case in results:
        for cells in map(_nodule_cells, case.nodules):
            table.add_row(*([case.case_id] if has_many else []), *cells)
    return table


def _nodule_cells(nodule: NoduleResult) -> tuple[str, ...]:
    center = ", ".join(f"{value:.1f}" for value in nodule.center_lps_mm)
    head = (nodule.nodule_id, center, f"{nodule.diameter_mm:.1f}")
    scores, size_only = nodule.probabilities, nodule.size_only
    if scores is None or size_only is None:
        return (*head, "-", "-", "-", "")
    calls = "".join("+" if nodule.above.get(name) else "-" for name in POINT_NAMES)
    return (*head, f"{scores.benign:.3f}", f"{scores.malignant:.3f}", f"{size_only.malignant:.3f}", calls)


def _print_characteristics(case: CaseResult) -> None:
    """Print what a radiologist would say of each nodule, on the LIDC scales."""
    for nodule in case.nodules:
        if nodule.characteristics:
            rated = (f"{name} {nodule.characteristics[name]:.1f}" for name in SHOWN_CHARACTERISTICS)
            line = f"{nodule.nodule_id}: {', '.join(rated)}"
            console.print("; ".join([line, *_brock_words(nodule)]), style="dim", highlight=False)


def _brock_words(nodule: NoduleResult) -> list[str]:
    """Return what the Brock model says, or what it lacks, where the table tells anything that it asks."""
    brock = nodule.brock
    if brock is None:
        return []
    if brock.probability_cancer is not None:
        return [f"Brock model: probability of cancer {brock.probability_cancer:.3f}"]
    return [f"Brock model: {brock.problem or 'the table lacks ' + ', '.join(brock.missing)}"]


def _point_line(point: OperatingPoint) -> str:
    """Return what the sign of an operating point says."""
    place = dict(zip(POINT_NAMES, ("first", "second"), strict=True))[point.name]
    return (
        f"calls, {place} sign: + for {point.threshold:.2f} malignant or more; on validation patients sensitivity "
        f"{point.sensitivity}, specificity {point.specificity}"
    )


def _print_source(case: CaseResult) -> None:
    source = case.nodules_from
    if source is not None:
        line = f"{case.case_id}: nodules from {source.format}, positions in {source.frame} ({source.frame_is})"
        console.print("; ".join((line, *source.notes)), style="dim", highlight=False, markup=False)


def note(line: str) -> None:
    """Print a line about the run on standard error."""
    error_console.print(f"nodulus: {line}", highlight=False, soft_wrap=True)


def print_problems(results: Iterable[CaseResult]) -> None:
    """Print what is wrong with cases and nodules, on standard error."""
    for case in results:
        _print_problems(case)


def _print_problems(case: CaseResult) -> None:
    for warning in case.warnings:
        _print_line(case, "warning", warning)
    if case.problem is not None:
        _print_line(case, case.status, case.problem)
    for nodule in case.nodules:
        for flag in nodule.flags:
            _print_line(case, f"{nodule.nodule_id}: flagged", flag)
        if nodule.problem is not None:
            _print_line(case, "not scored", nodule.problem)


def _print_line(case: CaseResult, what: str, problem: ProblemRecord) -> None:
    line = f"nodulus: {case.case_id}: {what}: {problem.code}: {problem.message}"
    error_console.print(line, highlight=False, markup=False, soft_wrap=True)
