"""The page of a case as people use it: by eye, by keyboard, without script, with axe-core's eyes; needs Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import BrockRecord, NoduleResult, ProblemRecord
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.writers.page import write_page
from nodulus.pipeline.writers.run_page import write_run_page
from nodulus.pipeline.writers.scored_case import ScoredCase
from tests.support.axe import axe_source
from tests.support.browser import Browser, OpenPage, find_chromium, opened
from tests.support.results import FLAG, run_of, score_parts, scored_case, scored_nodule, small_scan

WIDTHS_PX = (400, 800, 1400)
LONG = "AN_UNUSUALLY-LONG_NAME_WITHOUT_ANY_SPACE_" + "x" * 80
GAP = ProblemRecord(code="missing_slices", message=f"Expected 2.5 mm, got 5 mm after {LONG}", items=("IM3", LONG))
VIEW = "document.querySelector('.view[data-plane=axial]')"
MIDDLE = 12


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(find_chromium()) as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return pages of every kind: a case with all that can be said, a refused one, and a run of many."""
    folder = tmp_path_factory.mktemp("pages")
    outside = NoduleResult(nodule_id="far", center_lps_mm=(900, 0, 0), diameter_mm=8, problem=GAP)
    more: dict[str, Any] = {
        "stability": Stability(low=0.6, high=0.99, n=16),
        "measures": Measures(volume_mm3=904, long_axis_mm=13, short_axis_mm=11, mean_hu=-50, method="outline 1"),
        "explanation": score_parts([1.2, 0, -0.03, 1.9, -3, 0.4, 2.8, 0.9, -0.2, -0.4]),
    }
    nodules = (
        scored_nodule("first", brock=BrockRecord(probability_cancer=0.4), **more),
        scored_nodule(LONG, 0.1, flags=(FLAG,), brock=BrockRecord(missing=("age", "sex"))),
        outside,
    )
    doubt = ProblemRecord(code="frame_doubtful", message="Expected nodules", items=(LONG,))
    full = scored_case(*nodules, case_id=LONG, warnings=(doubt,), files=("report.html",))
    refused = scored_case(*nodules[2:], case_id="refused", status="refused", problem=GAP)
    (case,) = write_page(ScoredCase(run_of(full), small_scan(), with_identifiers=True), folder / "case")
    (why,) = write_page(ScoredCase(run_of(refused)), folder / "refused")
    return {"case": case, "refused": why, "run": write_run_page(run_of(full, refused), folder)}


def position(page: OpenPage) -> float:
    """Return which axial slice is shown, by what the picture shows and not by what the slider says."""
    return float(
        page.ask(f"(-Number({VIEW}.querySelector('image').getAttribute('y')) / Number({VIEW}.dataset.edge) - 1) / 2")
    )


def centre_of(page: OpenPage, selector: str) -> tuple[float, float]:
    box = json.loads(page.ask(f"JSON.stringify(document.querySelector('{selector}').getBoundingClientRect())"))
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("kind", ["case", "refused", "run"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS_PX)
def test_the_page_is_quiet_fits_and_keeps_nobody_out(
    browser: Browser, pages: dict[str, Path], kind: str, width: int, is_dark: bool
) -> None:
    with opened(browser, pages[kind], width, is_dark=is_dark) as page:
        assert page.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        paper = page.ask("getComputedStyle(document.body).backgroundColor")
        assert (int(paper.split("(")[1].split(",")[0]) < 128) == is_dark
        assert page.said() == []
        assert page.requested() == [pages[kind].as_uri()]
        page.ask(axe_source())
        found = page.ask("axe.run().then(found => JSON.stringify([found.passes.length, found.violations]))")
        n_passed, violations = json.loads(found)
        assert n_passed > 10
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []


def test_the_policy_keeps_out_what_the_page_does_not_hold(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["case"]) as page:
        page.ask("document.body.append(Object.assign(document.createElement('img'), {src: 'https://example.org/x'}))")
        page.ask("document.body.setAttribute('style', 'color: red')")
        page.ask("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
        assert page.ask("window.ran") is None
        assert len([one for one in page.said() if "Content Security Policy" in one]) == 3


def test_without_script_there_are_pictures_and_numbers_and_no_dead_controls(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["case"], has_script=False) as page:
        page.call("Emulation.setScriptExecutionDisabled", value=False)  # to look at what was left
        assert page.ask("[...document.querySelectorAll('input, button')].every(one => one.offsetHeight === 0)")
        sizes = page.ask("[...document.querySelectorAll('.view svg')].map(one => one.getBoundingClientRect().width)")
        assert len(sizes) == 6
        assert min(sizes) > 150
        assert position(page) == pytest.approx(MIDDLE)
        assert page.ask("document.querySelector('.lead data').textContent") == "0.952"
        assert page.said() == []


def test_the_keyboard_alone_reaches_and_turns_the_slices(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["case"]) as page:
        for _ in range(30):
            page.press("Tab")
            if page.ask("document.activeElement.getAttribute('aria-label')") == "Axial slice of nodule 1":
                break
        assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        for key, number in (("ArrowUp", 13), ("ArrowUp", 14), ("ArrowDown", 13), ("End", 24), ("Home", 0)):
            page.press(key)
            assert position(page) == pytest.approx(number, abs=1e-3)
        place = page.ask(f"{VIEW}.querySelector('.place').textContent")
        assert place == "z \N{MINUS SIGN}12.0 mm"
        assert page.ask("document.activeElement.getAttribute('aria-valuetext')") == place
        assert page.ask(f"{VIEW}.querySelector('.box').classList.contains('beyond')")
        coronal = "document.querySelector('.view[data-plane=coronal] .cross.across').getAttribute('transform')"
        assert page.ask(coronal) == "translate(0 12)", "the feet are at the bottom"
        page.ask("document.querySelector('[data-center]').focus()")
        page.press("Enter")
        assert position(page) == pytest.approx(MIDDLE)
        assert page.ask(coronal) == "translate(0 0)"
        assert page.said() == []


def test_the_overlay_fades_in_all_planes_of_its_nodule_alone(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["case"]) as page:
        page.ask("document.querySelector('[data-overlay]').focus()")
        page.press("Home")
        shown = "[...document.querySelectorAll('g.overlay')].map(one => getComputedStyle(one).opacity).join()"
        assert page.ask(shown) == "0,0,0,1,1,1"
        page.press("End")
        assert page.ask(shown) == "1,1,1,1,1,1"


def test_the_wheel_turns_slices_of_the_picture_in_hand_and_else_the_page(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["case"]) as page:
        page.ask("document.querySelector('#nodule-1 .views').scrollIntoView({behavior: 'instant'})")
        before = page.ask("scrollY")
        x, y = centre_of(page, ".view .frame")
        page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=40)
        page.ask("new Promise(done => setTimeout(done, 400))")
        assert position(page) == pytest.approx(MIDDLE)
        assert page.ask("scrollY") > before
        page.ask("document.querySelector('#nodule-1 .views').scrollIntoView({behavior: 'instant'})")
        for kind in ("mousePressed", "mouseReleased"):
            page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-40)
        page.ask("new Promise(done => setTimeout(done, 400))")
        assert position(page) == pytest.approx(MIDDLE + 1)
        assert page.ask("scrollY") == before
