"""A folder holds the page of a run or that of an evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.evaluation import report
from nodulus.pipeline.pages import one_page
from nodulus.pipeline.results import views
from nodulus.transforms.problems import UsageError


@pytest.mark.parametrize(
    ("there", "wanted", "message"),
    [
        ("metrics.json", one_page.RESULTS, r"a folder for scores, got .*, which holds an evaluation \(metrics.json\)"),
        ("results.json", one_page.METRICS, r"a folder for an evaluation, got .*, which holds scores \(results.json\)"),
    ],
)
def test_the_page_of_the_other_kind_is_not_taken(there: str, wanted: str, message: str, tmp_path: Path) -> None:
    (tmp_path / there).touch()
    with pytest.raises(UsageError, match=message):
        one_page.check_page_is_free(tmp_path, wanted)


@pytest.mark.parametrize("record", [one_page.RESULTS, one_page.METRICS])
def test_an_empty_folder_one_of_its_own_kind_and_none_are_taken(record: str, tmp_path: Path) -> None:
    one_page.check_page_is_free(tmp_path / "none", record)
    one_page.check_page_is_free(tmp_path, record)
    (tmp_path / record).touch()
    (tmp_path / "report.html").touch()
    one_page.check_page_is_free(tmp_path, record)


def test_the_names_are_those_that_are_written() -> None:
    assert views.RESULTS == one_page.RESULTS
    assert one_page.PAGE in report.FILES
    assert one_page.METRICS in report.FILES
