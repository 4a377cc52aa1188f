"""The table of scores as the console shows it: a row a nodule, wide where there is room, else in two parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.readout.prior_shift import percent
from nodulus.pipeline.results.marks import is_marked
from nodulus.pipeline.results.record import CaseResult, NoduleResult
from nodulus.pipeline.statistics.operating_points import POINT_NAMES
from nodulus.transforms.problems import printable

# Internal structure is soft tissue in nearly every nodule of LIDC-IDRI: it says nothing.
SHOWN_CHARACTERISTICS = tuple(name for name in CHARACTERISTICS if name != "internal_structure")
Known = TypeVar("Known")
MARK = "!"
_BAND = "band: malignant with the point moved by 1 mm, the size changed by 20 %, and more of the scan's noise"
_SUM = "explanation: what size and characteristics add to each score is in results.json, and on the page of --report"
_SHORT = 3  # letters of a characteristic's name that head its column


@dataclass(frozen=True)
class _Column:
    head: str
    cell: Callable[[CaseResult, NoduleResult], str]
    is_name: bool = False


def print_score_table(console: Console, cases: Sequence[CaseResult]) -> None:
    """Print the nodules of cases that were not refused; the cases are named where there are several."""
    shown = [(case, nodule) for case in cases if case.status == "scored" for nodule in case.nodules]
    if not shown:
        return
    title = printable(cases[0].case_id) if len(cases) == 1 else None
    names = [_Column("nodule", lambda _, nodule: printable(nodule.nodule_id), is_name=True)]
    if len(cases) > 1:
        names.insert(0, _Column("case", lambda case, _: printable(case.case_id), is_name=True))
    scores, ratings = _score_columns(shown), [*_measure_columns(shown), *_rating_columns(shown)]
    whole = _table([*names, *scores, *ratings], shown, title)
    width = console.measure(whole, options=console.options.update(width=1000)).maximum
    if not console.is_terminal:  # a file has room
        Console(file=console.file, width=max(width, console.width), markup=False, emoji=False).print(whole)
    elif width <= console.width:
        console.print(whole)
    else:
        console.print(_table([*names, *scores], shown, title))
        if ratings:
            console.print(_table([*names, *ratings], shown, None))


def legend(cases: Iterable[CaseResult]) -> list[str]:
    """Return what the columns mean beyond the score and the calls, a line each; nothing of columns not shown."""
    nodules = [nodule for case in cases for nodule in case.nodules]
    marked = any(is_marked(case, nodule) for case in cases for nodule in case.nodules)
    lines = [f"{MARK}: look at the messages before you believe the score"] if marked else []
    shifts = dict.fromkeys(nodule.prevalence.in_words for nodule in nodules if nodule.prevalence is not None)
    lines += [f"malignant, benign, size only and thresholds: {each}" for each in shifts]
    if any(nodule.stability and nodule.stability.n for nodule in nodules):
        lines.append(_BAND)
    if any(nodule.explanation for nodule in nodules):
        lines.append(_SUM)
    if any(nodule.measures and nodule.measures.volume_mm3 for nodule in nodules):
        lines.append("axes (mm), HU: measured within an outline of the nodule, as readers would draw it")
        lines.append("mm3: volume, by that outline and by the stated diameter")
    if any(nodule.characteristics for nodule in nodules):
        scales = ((name, CHARACTERISTICS[name]) for name in SHOWN_CHARACTERISTICS)
        means = (f"{name} {s.low} {s.low_means} to {s.high} {s.high_means}" for name, s in scales)
        lines.append(f"predicted ratings on the LIDC scales: {', '.join(means)}")
    if any(nodule.brock is not None and nodule.brock.probability_cancer is not None for nodule in nodules):
        lines.append("Brock: the Brock model's probability of cancer")
    return lines


def _table(columns: Sequence[_Column], shown: Sequence[tuple[CaseResult, NoduleResult]], title: str | None) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for column in columns:
        if column.is_name:
            table.add_column(column.head, overflow="fold")
        else:
            table.add_column(column.head, no_wrap=True, justify="right")
    for case, nodule in shown:
        table.add_row(*(column.cell(case, nodule) for column in columns))
    return table


def _score_columns(shown: Sequence[tuple[CaseResult, NoduleResult]]) -> list[_Column]:
    columns = [
        _Column("", lambda case, nodule: MARK if is_marked(case, nodule) else ""),
        _Column("centre (LPS mm)", lambda _, nodule: ", ".join(f"{value:.1f}" for value in nodule.center_lps_mm)),
        _Column("mm", lambda _, nodule: f"{nodule.diameter_mm:.1f}"),
        _Column("benign", lambda _, nodule: _cell(nodule.probabilities, lambda scores: scores.benign)),
        _Column(_head_of_score(shown), lambda _, nodule: _cell(nodule.probabilities, lambda scores: scores.malignant)),
        *([_Column("band", lambda _, nodule: _band(nodule))] if any(one.stability for _, one in shown) else []),
        _Column("size only", lambda _, nodule: _cell(nodule.size_only, lambda scores: scores.malignant)),
        _Column("calls", lambda _, nodule: _calls(nodule)),
    ]
    if any(nodule.brock and nodule.brock.probability_cancer is not None for _, nodule in shown):
        columns.append(_Column("Brock", lambda _, nodule: _cell(nodule.brock, lambda brock: brock.probability_cancer)))
    return columns


def _head_of_score(shown: Sequence[tuple[CaseResult, NoduleResult]]) -> str:
    """Return the head of the score's column: with the prevalence where it is not that of the calibration."""
    asked = {nodule.prevalence.asked for _, nodule in shown if nodule.prevalence is not None}
    return f"malignant at {', '.join(map(percent, sorted(asked)))}" if asked else "malignant"


def _measure_columns(shown: Sequence[tuple[CaseResult, NoduleResult]]) -> list[_Column]:
    if not any(nodule.measures and nodule.measures.volume_mm3 for _, nodule in shown):
        return []
    return [
        _Column("mm3", lambda _, nodule: _cell(nodule.measures, lambda found: found.volume_mm3, digits=0)),
        _Column("axes", lambda _, nodule: _axes(nodule)),
        _Column("HU", lambda _, nodule: _cell(nodule.measures, lambda found: found.mean_hu, digits=0)),
    ]


def _rating_columns(shown: Sequence[tuple[CaseResult, NoduleResult]]) -> list[_Column]:
    if not any(nodule.characteristics for _, nodule in shown):
        return []
    return [_rating_column(name) for name in SHOWN_CHARACTERISTICS]


def _rating_column(name: str) -> _Column:
    return _Column(name[:_SHORT], lambda _, nodule: _cell(nodule.characteristics.get(name), float, digits=1))


def _cell(known: Known | None, number_of: Callable[[Known], float | None], digits: int = 3) -> str:
    value = None if known is None else number_of(known)
    return "-" if value is None else f"{value:.{digits}f}"


def _band(nodule: NoduleResult) -> str:
    band = nodule.stability
    return "-" if band is None or band.low is None or band.high is None else f"{band.low:.3f}..{band.high:.3f}"


def _axes(nodule: NoduleResult) -> str:
    found = nodule.measures
    if found is None or found.long_axis_mm is None or found.short_axis_mm is None:
        return "-"
    return f"{found.long_axis_mm:.1f} x {found.short_axis_mm:.1f}"


def _calls(nodule: NoduleResult) -> str:
    if nodule.probabilities is None:
        return ""
    return "".join("+" if nodule.above.get(name) else "-" for name in POINT_NAMES)
