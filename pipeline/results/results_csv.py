"""The record as a table for spreadsheets: one row a nodule, in digits that people read; results.json keeps them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nodulus.pipeline.csv_files import csv_text, rounded
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.statistics.operating_points import POINT_NAMES

if TYPE_CHECKING:
    from .measures import Measures
    from .record import CaseResult, NoduleResult, ProblemRecord
    from .stability import Stability

CSV_COLUMNS = (
    "case_id", "input", "status", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm",
    "probability_benign", "probability_malignant", "size_only_malignant", "prevalence", "calibrated_prevalence",
    "image_alone_malignant", "patient_model", *(f"above_{name}" for name in POINT_NAMES), "brock_probability_cancer",
    *(f"predicted_{name}" for name in CHARACTERISTICS), "stability_low", "stability_high", "stability_problem",
    "volume_mm3", "long_axis_mm", "short_axis_mm", "mean_hu", "measures_problem", "flags", "problem",
)  # fmt: skip


def results_csv(cases: Iterable[CaseResult]) -> str:
    """Return the table of all nodules as CSV text; a refused case without nodules keeps one row."""
    return csv_text(CSV_COLUMNS, (row for case in cases for row in csv_rows(case)))


def csv_rows(case: CaseResult) -> Iterable[tuple[object, ...]]:
    """Yield the cells of each row of a case, empty texts where nothing was said."""
    head = (case.case_id, case.input, case.status)
    if not case.nodules:
        yield (*head, *[""] * (len(CSV_COLUMNS) - len(head) - 1), _problem_text(case.problem))
    for nodule in case.nodules:
        yield (
            *head, nodule.nodule_id, *map(rounded, nodule.center_lps_mm), rounded(nodule.diameter_mm),
            *_csv_scores(nodule),
            "; ".join(_problem_text(flag) for flag in nodule.flags),
            _problem_text(nodule.problem or case.problem),
        )  # fmt: skip


def _csv_scores(nodule: NoduleResult) -> Iterable[object]:
    """Yield what was said of a nodule, empty where nothing was."""
    scores, brock = nodule.probabilities, nodule.brock
    yield "" if scores is None else _probability(scores.benign)
    yield "" if scores is None else _probability(scores.malignant)
    yield "" if nodule.size_only is None else _probability(nodule.size_only.malignant)
    yield "" if nodule.prevalence is None else _probability(nodule.prevalence.asked)
    yield "" if nodule.prevalence is None else _probability(nodule.prevalence.calibrated)
    yield "" if nodule.patient is None else _probability(nodule.patient.image_alone)
    yield "" if nodule.patient is None else nodule.patient.in_words
    for name in POINT_NAMES:
        yield {True: "yes", False: "no", None: ""}[nodule.above.get(name)]
    yield "" if brock is None or brock.probability_cancer is None else _probability(brock.probability_cancer)
    for characteristic in CHARACTERISTICS:
        rating = nodule.characteristics.get(characteristic)
        yield "" if rating is None else rounded(rating)
    yield from _csv_stability(nodule.stability)
    yield from _csv_measures(nodule.measures)


def _csv_stability(stability: Stability | None) -> Iterable[object]:
    if stability is None:
        return ("", "", "")
    band = (stability.low, stability.high)
    return (*("" if value is None else _probability(value) for value in band), stability.problem or "")


def _csv_measures(measures: Measures | None) -> Iterable[object]:
    if measures is None:
        return ("", "", "", "", "")
    values = (measures.volume_mm3, measures.long_axis_mm, measures.short_axis_mm, measures.mean_hu)
    return (*("" if value is None else rounded(value) for value in values), measures.problem or "")


def _probability(value: float) -> str:
    return f"{value:.6g}"


def _problem_text(problem: ProblemRecord | None) -> str:
    return "" if problem is None else f"{problem.code}: {problem.message}"
