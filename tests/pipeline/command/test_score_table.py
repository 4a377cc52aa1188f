"""The table of scores: the band and the measures, where there are any, and what they mean."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from nodulus.pipeline.command.score_table import legend, print_score_table
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import CaseResult, NoduleResult, Probabilities
from nodulus.pipeline.results.stability import Stability
from tests.support.results import N_TERMS, score_parts

PLAIN = NoduleResult(
    nodule_id="plain",
    center_lps_mm=(1.0, 2.0, 3.0),
    diameter_mm=8.0,
    probabilities=Probabilities(benign=0.25, malignant=0.75),
)
BAND = Stability(low=0.6124, high=0.8, n=16)
SIZE = Measures(volume_mm3=323.4, long_axis_mm=8.94, short_axis_mm=8.16, mean_hu=-105.4, method="outline 1")
FULL = PLAIN.model_copy(update={"nodule_id": "full", "stability": BAND, "measures": SIZE})
NONE = Measures(method="outline 1", problem="cut off")
DOUBTED = PLAIN.model_copy(update={"nodule_id": "doubted", "stability": Stability(problem="x"), "measures": NONE})


def case(*nodules: NoduleResult) -> CaseResult:
    return CaseResult(case_id="one", input="one", status="scored", nodules=nodules)


def printed(*nodules: NoduleResult) -> dict[str, list[str]]:
    """Return the words of each nodule's line, and of the head."""
    text = StringIO()
    print_score_table(Console(file=text, width=200), [case(*nodules)])
    lines = [line.split() for line in text.getvalue().splitlines()]
    names = ("nodule", *(nodule.nodule_id for nodule in nodules))
    return {line[0]: line for line in lines if line and line[0] in names}


def test_the_band_and_the_measures_have_columns_where_any_nodule_has_them() -> None:
    lines = printed(PLAIN, FULL, DOUBTED)
    assert {"band", "mm3", "axes", "HU"} <= set(lines["nodule"])
    assert {"0.612..0.800", "323", "8.9", "8.2", "-105"} <= set(lines["full"])
    assert lines["plain"].count("-") == lines["doubted"].count("-") == 5  # with the size-only score


def test_a_table_without_them_is_as_it_was() -> None:
    assert not {"band", "mm3", "axes", "HU"} & set(printed(PLAIN)["nodule"])


def test_the_legend_explains_what_is_shown_and_nothing_else() -> None:
    assert [line.split(":")[0] for line in legend([case(FULL)])] == ["band", "axes (mm), HU", "mm3"]
    assert legend([case(PLAIN, DOUBTED)]) == []
    (line,) = legend([case(PLAIN.model_copy(update={"explanation": score_parts([0.1] * (N_TERMS + 1))}))])
    assert line.startswith("explanation: ")
