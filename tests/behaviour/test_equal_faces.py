"""All files of a case say the same of it: JSON, CSV, page, structured report, FHIR, in every value that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from nodulus.pipeline.csv_files import cell_text
from nodulus.pipeline.readout.additive import TERMS
from nodulus.pipeline.results.record import CaseResult, NoduleResult, ProblemRecord
from nodulus.pipeline.results.results_csv import results_csv
from nodulus.pipeline.results.views import results_json
from nodulus.pipeline.writers.fhir import write_fhir
from nodulus.pipeline.writers.page import render_page
from nodulus.pipeline.writers.scored_case import ScoredCase
from nodulus.pipeline.writers.shown_nodules import show_nodules
from nodulus.pipeline.writers.structured_report import write_sr
from nodulus.transforms.volume import CTVolume
from tests.support.faces import Told, told_by_csv, told_by_fhir, told_by_json, told_by_page, told_by_report
from tests.support.generated_cases import generated_case
from tests.support.results import nodule_results, run_of, scored_case

N_RESULTS = 1000
# Upright, oblique and turned scans, square pixels or not, folder, zip or multi-frame, with and without patient tags.
N_SCANS = 15
# The order of magnitude to which a file rounds, and what it leaves out.
ROUNDED = {"csv": 5.1e-4, "sr": 5.1e-4}
SUM = {f"sum {name}" for name in ("logit", "average", "remainder", *TERMS)}
LEFT_OUT = {"csv": {"flags"} | SUM, "page": {"flags"}, "sr": {"x", "y", "z"} | SUM, "fhir": {"flags"} | SUM}
# All that the drawn cases must have among them, and what they had.
KINDS = {"oblique", "no patient", "no frame", "refused case", "no nodule", "20 nodules", "refused nodule", "beside"}
KINDS |= {"flagged", "sum", "band", "measures", "prevalence", "patient"}
SEEN: Counter[str] = Counter()
# Mostly few, since a report costs by the nodule.
N_NODULES = st.sampled_from([(0, 2)] * 28 + [(3, 19), (20, 20)]).flatmap(lambda ends: st.integers(*ends))
NAMES = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> list[CTVolume]:
    folder = tmp_path_factory.mktemp("scans")
    return [generated_case(seed, folder / str(seed)).volume for seed in range(N_SCANS)]


@dataclass(frozen=True)
class Drawn:
    """A case before it is put into a scan: which scan, and where in it each nodule lies, None for beside it."""

    scan: int
    nodules: tuple[NoduleResult, ...]
    shares: tuple[tuple[float, float, float] | None, ...]
    is_refused: bool

    def case_in(self, volume: CTVolume) -> CaseResult:
        """Return the case with its nodules in a scan."""
        pairs = zip(self.nodules, self.shares, strict=True)
        nodules = [nodule if share is None else put_at(nodule, share, volume) for nodule, share in pairs]
        if not self.is_refused:
            return scored_case(*nodules)
        places = (each.model_dump(include={"nodule_id", "center_lps_mm", "diameter_mm"}) for each in nodules)
        problem = ProblemRecord(code="missing_slices", message="Expected 1 mm, got 2 mm")
        return scored_case(*(NoduleResult(**place) for place in places), status="refused", problem=problem)


def put_at(nodule: NoduleResult, share: tuple[float, float, float], volume: CTVolume) -> NoduleResult:
    center = volume.grid.lps_from_voxel(np.array(share) * (np.array(volume.grid.size_xyz) - 1))
    return nodule.model_copy(update={"center_lps_mm": tuple(round(float(value), 4) for value in center)})


@st.composite
def drawn_cases(draw: st.DrawFn) -> Drawn:
    """Draw 0 to 20 nodules, scored, flagged or not, in a scan and beside it; or those of a refused case."""
    n_nodules = draw(N_NODULES)
    names = draw(st.lists(NAMES, min_size=n_nodules, max_size=n_nodules, unique=True))
    nodules = tuple(draw(nodule_results(name)) for name in names)
    unit = st.floats(0, 1)
    shares = tuple(draw(st.tuples(unit, unit, unit) | st.none()) for _ in names)
    return Drawn(draw(st.integers(0, N_SCANS - 1)), nodules, shares, draw(st.integers(0, 9)) == 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value", "ignore:Generating overly large repr")
@settings(
    max_examples=N_RESULTS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # to make a failing case smaller would take minutes
)
@given(drawn=drawn_cases())
def test_every_file_says_what_the_record_says(
    drawn: Drawn, volumes: list[CTVolume], tmp_path_factory: pytest.TempPathFactory
) -> None:
    volume = volumes[drawn.scan]
    case = drawn.case_in(volume)
    SEEN.update(set(kinds_of(case, volume)) | {"case"})
    record = told_by_json(results_json(run_of(case)))
    if case.problem is not None:
        record = [{**told, "problem": case.problem.code} for told in record]
    for face, found in told_by_files(case, volume, tmp_path_factory.mktemp("case")).items():
        expected = [{key: told[key] for key in told if key not in LEFT_OUT[face]} for told in record]
        if case.problem is not None and face == "fhir":  # it says once why the case was refused
            expected = [{key: value for key, value in told.items() if key != "problem"} for told in expected]
        compare(face, found, expected)


def kinds_of(case: CaseResult, volume: CTVolume) -> Iterator[str]:
    """Yield which of the kinds that must be met a case is of."""
    assert volume.read_header is not None
    axes = np.abs(volume.grid.direction_lps)
    of_scan = {
        "oblique": not np.allclose(axes, np.round(axes), atol=1e-3),
        "no patient": "PatientID" not in volume.read_header(0),
        "no frame": not volume.attributes["frame_of_reference_uid"],
        "refused case": case.status == "refused",
        "no nodule": not case.nodules,
        "20 nodules": len(case.nodules) == 20,
    }
    yield from (kind for kind, is_met in of_scan.items() if is_met)
    for nodule in case.nodules:
        of_nodule = {
            "refused nodule": nodule.problem,
            "beside": not volume.grid.contains_lps(nodule.center_lps_mm),
            "flagged": nodule.flags,
            "sum": nodule.explanation,
            "band": nodule.stability and nodule.stability.n,
            "measures": nodule.measures,
            "prevalence": nodule.prevalence,
            "patient": nodule.patient,
        }
        yield from (kind for kind, is_met in of_nodule.items() if is_met)


def test_every_kind_of_case_was_among_them() -> None:
    if not SEEN:
        pytest.skip("the cases were not drawn in this run")
    assert SEEN["case"] >= N_RESULTS
    assert {kind for kind in KINDS if SEEN[kind] < 5} == set()


def told_by_files(case: CaseResult, volume: CTVolume, folder: Path) -> dict[str, list[Told]]:
    """Return what each file says; a refused case's scan is not open: it has no report, and its page no scores."""
    run = run_of(case)
    scored = ScoredCase(run, volume if case.status == "scored" else None)
    (fhir,) = write_fhir(scored, folder)
    shown, _ = show_nodules(case.nodules, run.bundle.operating_points, None)
    told = {
        "csv": told_by_csv(results_csv(run.cases)),
        "fhir": told_by_fhir(fhir.read_text(encoding="utf-8")),
    }
    if case.status == "scored":
        told["page"] = told_by_page(render_page(run, shown, None))
    if case.status == "scored" and case.nodules:
        (report,) = write_sr(scored, folder)
        told["sr"] = told_by_report(dcmread(report))
    return told


def compare(face: str, found: list[Told], expected: list[Told]) -> None:
    assert len(found) == len(expected), face
    for said, told in zip(found, expected, strict=True):
        assert said.keys() == told.keys(), face
        for key, value in told.items():
            assert is_same(face, said[key], value), (face, key)


def is_same(face: str, said: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, float):
        return bool((cell_text(said) if face == "csv" and isinstance(said, str) else said) == value)
    if face in ROUNDED:
        return bool(said == pytest.approx(value, rel=1e-5, abs=ROUNDED[face]))
    return bool(said == value)
