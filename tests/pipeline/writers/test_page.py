"""The page of a case: whole in itself, of the record alone, and safe whatever a nodule is called."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.pages.environment import fixed
from nodulus.pipeline.pages.one_page import PAGE
from nodulus.pipeline.results.record import BrockRecord, CaseResult, NoduleResult, NodulesFrom, ProblemRecord, Results
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.writers.page import render_page, write_page
from nodulus.pipeline.writers.run_page import write_run_page
from nodulus.pipeline.writers.scored_case import ScoredCase
from nodulus.pipeline.writers.shown_nodules import ShownChest, ShownNodule, show_nodules
from nodulus.transforms.problems import printable
from nodulus.transforms.volume import CTVolume
from tests.support.html_outline import Outline
from tests.support.results import FLAG, POINTS, case_results, run_of, scored_case, scored_nodule, small_scan

MOST_BYTES = 3_000_000
HARMLESS = "name"
WHOLE_SUM = ("logit", "average", "remainder")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover=alert(1) x='",
    "</style></script></title><base href=//evil>",
    "<!-- ]]> &lt;b&gt; &amp; {{ 7 * 7 }} {% raw %}",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT MARK}",
    "bell\x07 escape\x1b[31m zero\0 tab\t line\nbreak\r\x85\u2028\u2029",
    "javascript:alert(1)//\N{BOM}\ufffe",
    "https://example.org/?q=<b>&r=\\u003cscript\\u003e",
)


@pytest.fixture(scope="module")
def drawn() -> tuple[ShownNodule, ShownChest]:
    """Return a nodule with its pictures, and the scan's, drawn once."""
    (shown,), chest = show_nodules([scored_nodule()], POINTS, small_scan())
    assert chest is not None
    return shown, chest


def page_of(case: CaseResult, volume: CTVolume | None = None) -> str:
    return render_page(run_of(case), *show_nodules(case.nodules, POINTS, volume))


def written_page(case: CaseResult, volume: CTVolume | None, folder: Path, **how: Any) -> str:
    (path,) = write_page(ScoredCase(run_of(case), volume, **how), folder)
    assert path == folder / PAGE
    return path.read_text(encoding="utf-8")


def is_bad(letter: str) -> bool:
    """Whether a letter acts instead of being read."""
    return letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_the_page_is_whole_in_itself_and_its_policy_admits_what_it_holds_alone(tmp_path: Path) -> None:
    page = written_page(scored_case(scored_nodule()), small_scan(), tmp_path)
    outline = Outline(page)
    for tag, attributes in outline.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("src", "href", "xlink:href", "data", "action", "poster", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/webp;base64,", "data:,")), f"{tag} {name}={value[:60]}"
    assert "@import" not in page
    assert "url(" not in page
    (policy,) = [str(one["content"]) for one in outline.named("meta") if "http-equiv" in one]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for rule, tag in (("style-src", "style"), ("script-src", "script")):
        (held,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()}'"
    assert page.index("Content-Security-Policy") < page.index("<style>")


def shown_fields(case: CaseResult) -> dict[tuple[int, str], tuple[str, str | None]]:
    """Return what the page says of each nodule by its number and field: the text, and the whole number beside it."""
    page = page_of(case)
    found: dict[tuple[int, str], tuple[str, str | None]] = {}
    for part in re.findall(r"<article.*?</article>", page, re.DOTALL):
        number = int(re.findall(r'data-nodule="(\d+)"', part)[0])
        for field, text, attributes in Outline(part).fields():
            found[number, field] = (text, attributes.get("value", attributes.get("data-value")))
    return found


def expected_fields(nodule: NoduleResult) -> dict[str, tuple[float, int] | str | bool]:
    """Return what the page must say of a nodule: numbers with their decimals, texts and calls."""
    told: dict[str, tuple[float, int] | str | bool] = {"nodule_id": nodule.nodule_id}
    told["diameter_mm"] = (nodule.diameter_mm, 1)
    told |= {f"center_lps_mm.{axis}": (value, 1) for axis, value in enumerate(nodule.center_lps_mm)}
    problems = {"problem": nodule.problem} | {f"flags.{n}": flag for n, flag in enumerate(nodule.flags)}
    for field, problem in problems.items():
        if problem is not None:
            told |= {f"{field}.code": problem.code.replace("_", " "), f"{field}.message": problem.message}
    told |= {f"characteristics.{name}": (rating, 1) for name, rating in nodule.characteristics.items()}
    if nodule.measures is not None:
        decimals = {"volume_mm3": 0, "long_axis_mm": 1, "short_axis_mm": 1, "mean_hu": 0}
        told |= {f"measures.{name}": (getattr(nodule.measures, name), digits) for name, digits in decimals.items()}
    if nodule.explanation is not None:
        told |= {f"explanation.{name}": (getattr(nodule.explanation, name), 2) for name in WHOLE_SUM}
        told |= {f"explanation.parts.{name}": (part, 2) for name, part in nodule.explanation.parts.items()}
    if nodule.probabilities is None:
        return told
    told["probabilities.malignant"] = (nodule.probabilities.malignant, 3)
    told |= {f"above.{name}": is_reached for name, is_reached in nodule.above.items()}
    if nodule.size_only is not None:
        told["size_only.malignant"] = (nodule.size_only.malignant, 3)
    if nodule.prevalence is not None:
        told["prevalence.asked"] = (nodule.prevalence.asked, 4)
        told["prevalence.calibrated"] = (nodule.prevalence.calibrated, 3)
    if nodule.patient is not None:
        told["patient.image_alone"] = (nodule.patient.image_alone, 3)
    if nodule.brock is not None and nodule.brock.probability_cancer is not None:
        told["brock.probability_cancer"] = (nodule.brock.probability_cancer, 3)
    elif nodule.brock is not None and nodule.brock.problem:
        told["brock.problem"] = nodule.brock.problem
    if nodule.stability is not None and nodule.stability.low is not None:
        told |= {f"stability.{end}": (getattr(nodule.stability, end), 3) for end in ("low", "high")}
    elif nodule.stability is not None:
        told["stability.problem"] = str(nodule.stability.problem)
    return told


@settings(max_examples=60, deadline=None)
@given(case_results())
def test_the_page_says_what_the_record_says_no_more_and_no_less(case: CaseResult) -> None:
    found = shown_fields(case)
    is_scored = case.status == "scored"
    expected = {
        (number, field): value
        for number, nodule in enumerate(case.nodules, 1)
        for field, value in (expected_fields(nodule) if is_scored else {}).items()
    }
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        text, whole = found[key]
        if isinstance(value, tuple):
            assert float(str(whole)) == value[0], key
            assert text == fixed(*value), key
        elif isinstance(value, bool):
            assert whole == str(value).lower(), key
            assert text.startswith("at or above" if value else "below"), key
        else:
            assert text == printable(value), key


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_users_name_stays_text(hostile: str, drawn: tuple[ShownNodule, ShownChest], tmp_path: Path) -> None:
    def named(name: str) -> tuple[Results, CaseResult]:
        problem = ProblemRecord(code=name, message=name, items=(name,))
        nodule = scored_nodule(name, flags=(problem,), brock=BrockRecord(problem=name))
        refused = scored_nodule(f"{name} 2", probabilities=None, problem=problem, characteristics={name: 2.0})
        case = scored_case(
            nodule,
            refused,
            case_id=name,
            input=name,
            problem=problem,
            warnings=(problem,),
            nodules_from=NodulesFrom(format=name, frame="LPS", frame_is="stated", notes=(name,)),
            files=("cases/a/report.html",),
        )
        bundle = BundleIdentity(
            name=name, version=name, weights_sha256=name, score_meaning=name, operating_points=POINTS
        )
        return run_of(case).model_copy(update={"bundle": bundle, "engine": name}), case

    def pages(name: str) -> list[str]:
        run, case = named(name)
        patient = {"Patient": name, "Patient ID": name}
        like, chest = drawn
        shown = [replace(like, number=n, record=one) for n, one in enumerate(case.nodules, 1)]
        return [render_page(run, shown, chest, patient), write_run_page(run, tmp_path).read_text(encoding="utf-8")]

    for page, plain in zip(pages(hostile), pages(HARMLESS), strict=True):
        tags = [tag for tag, _ in Outline(page).found if tag != "wbr"]
        assert tags == [tag for tag, _ in Outline(plain).found if tag != "wbr"]
        assert not [letter for letter in page if is_bad(letter)]


def test_attributes_hold_what_users_name_whole() -> None:
    outlines = [Outline(page_of(scored_case(scored_nodule(name), case_id=name))) for name in (*HOSTILE, HARMLESS)]
    names = [[(tag, *attributes) for tag, attributes in one.found if tag != "wbr"] for one in outlines]
    assert all(each == names[-1] for each in names)


def test_a_refused_case_has_its_reason_its_places_and_no_score(tmp_path: Path) -> None:
    gap = ProblemRecord(code="missing_slices", message="Expected 2.5 mm, got 5 mm after IM3", items=("IM3",))
    place = NoduleResult(nodule_id="left", center_lps_mm=(1, 2, 3), diameter_mm=8)
    page = written_page(scored_case(place, status="refused", problem=gap), None, tmp_path)
    fields = {field: text for field, text, _ in Outline(page).fields()}
    assert fields["problem.code"] == "missing slices"
    assert fields["problem.message"] == gap.message
    assert fields["status"] == "refused"
    assert "left" in page
    assert not [field for field in fields if field.startswith(("probabilities", "size_only", "above"))]
    assert "<image" not in page


@pytest.mark.parametrize(
    ("malignant", "words"), [(0.1, "Below both"), (0.23, "Between"), (0.5, "Between"), (0.75, "Above both")]
)
def test_the_call_follows_the_record(malignant: float, words: str) -> None:
    (shown,), _ = show_nodules([scored_nodule(malignant=malignant)], POINTS, None)
    assert shown.call.startswith(words)


def test_what_makes_a_score_doubtful_stands_beside_it() -> None:
    doubt = ProblemRecord(code="frame_doubtful", message="Expected nodules", items=("a",))
    page = page_of(scored_case(scored_nodule("a", flags=(FLAG,)), scored_nodule("b"), warnings=(doubt,)))
    first, second = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert FLAG.message in first
    assert "Its place is in doubt" in first
    assert 'role="note"' not in second


def test_ten_nodules_in_the_noisiest_scan_stay_below_three_megabytes() -> None:
    (shown,), chest = show_nodules([scored_nodule()], POINTS, small_scan(noise_hu=700))
    page = render_page(run_of(scored_case()), [replace(shown, number=n) for n in range(1, 11)], chest)
    assert page.count("data:image/webp") == 31
    assert 1_000_000 < len(page.encode()) < MOST_BYTES


def test_a_nodule_outside_the_scan_has_no_picture_and_says_why() -> None:
    page = page_of(scored_case(scored_nodule(center_lps_mm=(500.0, 0.0, 0.0))), small_scan())
    assert "No pictures: its centre lies outside the scan" in page


def test_a_scan_that_cannot_be_read_any_more_leaves_a_page_of_numbers(tmp_path: Path) -> None:
    whole = small_scan()

    def read_slab(k_start: int, k_stop: int) -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    volume = CTVolume(grid=whole.grid, read_slab=read_slab, source="gone")
    page = written_page(scored_case(scored_nodule()), volume, tmp_path)
    assert "No pictures: No such file or directory" in page
    assert ">0.952</data>" in page


def test_a_band_and_a_map_of_heat_are_shown_where_there_are_any(drawn: tuple[ShownNodule, ShownChest]) -> None:
    shown, chest = drawn
    assert "Band</dt>" not in render_page(run_of(scored_case(scored_nodule())), [shown], chest)
    planes = tuple(replace(one, heat=b"heat") for one in shown.planes)
    steady = shown.record.model_copy(update={"stability": Stability(low=0.9, high=0.97, n=16)})
    full = replace(shown, planes=planes, record=steady)
    page = render_page(run_of(scored_case(scored_nodule())), [full], chest)
    fields = {field: text for field, text, _ in Outline(page).fields()}
    assert (fields["stability.low"], fields["stability.high"]) == ("0.900", "0.970")
    assert page.count(base64.b64encode(b"heat").decode()) == 3


def test_a_run_over_many_cases_has_a_page_that_leads_to_theirs(tmp_path: Path) -> None:
    gap = ProblemRecord(code="missing_slices", message="Expected 2.5 mm, got 5 mm")
    cases = (
        scored_case(scored_nodule(malignant=0.3), scored_nodule("b"), case_id="one", files=("cases/one/report.html",)),
        scored_case(case_id="two", status="refused", problem=gap, files=("cases/two/sr.dcm", "cases/two/report.html")),
        scored_case(case_id="three", files=()),
    )
    page = write_run_page(run_of(*cases), tmp_path).read_text(encoding="utf-8")
    outline = Outline(page)
    assert [one["href"] for one in outline.named("a")] == ["cases/one/report.html", "cases/two/report.html"]
    assert [attributes["value"] for field, _, attributes in outline.fields() if field == "highest"] == [
        "0.9521945753463747"
    ]
    assert "missing slices, Expected 2.5 mm, got 5 mm" in page
