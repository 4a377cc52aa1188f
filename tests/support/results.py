"""Records of scored cases for tests: made by hand, or drawn at random with all that a record may hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.readout.additive import TERMS
from nodulus.pipeline.readout.brock import missing_factors
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.readout.patient_model import PatientUse
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import (
    BrockRecord,
    CaseResult,
    NoduleResult,
    Probabilities,
    ProblemRecord,
    Results,
    ScorePartsRecord,
)
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.operating_points import POINT_NAMES, OperatingPoint
from nodulus.transforms.geometry import Grid
from nodulus.transforms.volume import CTVolume, volume_from_array

POINTS = (
    OperatingPoint(
        name=POINT_NAMES[0],
        threshold=0.23,
        sensitivity=Estimate(0.95, 0.9, 1.0),
        specificity=Estimate(0.74, 0.63, 0.84),
        wanted=0.95,
    ),
    OperatingPoint(
        name=POINT_NAMES[1],
        threshold=0.75,
        sensitivity=Estimate(0.68, 0.56, 0.79),
        specificity=Estimate(0.96, 0.9, 0.99),
        wanted=0.95,
    ),
)
BUNDLE = BundleIdentity(
    name="b", version="1", weights_sha256="0" * 64, score_meaning="An opinion.", operating_points=POINTS
)
FLAG = ProblemRecord(code="outside_training_range", message="Expected 3 to 30 mm, got 50 mm", items=("diameter",))
_SHARES = st.floats(0, 1)
_PREVALENCES = st.floats(1e-3, 1 - 1e-3)
_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_PROBLEMS = st.builds(ProblemRecord, code=st.sampled_from(["bad_nodule", "nodule_outside"]), message=_TEXTS)
N_TERMS = len(TERMS)
_ADDED = st.floats(-20, 20)
_MM = st.floats(-500, 500).map(lambda value: round(value, 4))


def run_of(*cases: CaseResult) -> Results:
    """Return the record of a run over some cases, with a bundle that has thresholds."""
    return results_of(cases, BUNDLE)


def scored_nodule(nodule_id: str = "a", malignant: float = 0.9521945753463747, **more: Any) -> NoduleResult:
    """Return a nodule that was scored, in the middle of `small_scan`."""
    known: dict[str, Any] = {
        "nodule_id": nodule_id,
        "center_lps_mm": (0.0, 0.0, 0.0),
        "diameter_mm": 12.0,
        "probabilities": Probabilities(benign=1 - malignant, malignant=malignant),
        "size_only": Probabilities(benign=0.25, malignant=0.75),
        "above": {point.name: malignant >= point.threshold for point in POINTS},
        "characteristics": {name: scale.rating_of(0.4) for name, scale in CHARACTERISTICS.items()},
    }
    return NoduleResult(**{**known, **more})


def scored_case(*nodules: NoduleResult, **more: Any) -> CaseResult:
    """Return a case that was scored."""
    return CaseResult(
        **{"case_id": "case", "input": "/home/jane_doe/scan", "status": "scored", "nodules": nodules, **more}
    )


def small_scan(noise_hu: float = 0.0) -> CTVolume:
    """Return a scan of plain lung about the world's origin, 72 mm a side, with a ball of 12 mm in its middle."""
    n, spacing_mm = 36, 2.0
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = -(n - 1) / 2 * spacing_mm
    axis = (np.arange(n) - (n - 1) / 2) * spacing_mm
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1), axis=-1)
    hu = np.where(distance < 6, 40, -850) + np.random.default_rng(0).normal(0, noise_hu, distance.shape)
    return volume_from_array(hu.astype(np.float32), Grid((n, n, n), affine))


def _shift(shares: tuple[float, float]) -> PrevalenceShift:
    return PrevalenceShift(asked=shares[0], calibrated=shares[1])


def _patient(image_alone: float) -> PatientUse:
    used = ("age",) if image_alone > 0.3 else ()
    return PatientUse(used=used, missing=() if used else ("age",), image_alone=image_alone)


def _band(ends: tuple[float, float]) -> Stability:
    return Stability(low=min(ends), high=max(ends), n=16)


def _no_band(problem: str) -> Stability:
    return Stability(problem=problem)


def _measures(values: list[float]) -> Measures:
    volume, long, short, hu = values
    return Measures(volume_mm3=volume, long_axis_mm=long, short_axis_mm=short, mean_hu=-hu, method="outline 1")


def score_parts(values: list[float]) -> ScorePartsRecord:
    """Return a score taken apart: what each term adds, and at the end what is left."""
    *parts, remainder = values
    terms = dict(zip(TERMS, parts, strict=True))
    logit = sum(values) - 0.9
    return ScorePartsRecord(
        logit=logit, average=-0.9, parts=terms, remainder=remainder, explained=Estimate(0.98, 0.97, 0.99)
    )


@st.composite
def nodule_results(draw: st.DrawFn, nodule_id: str) -> NoduleResult:
    """Draw a nodule: scored, flagged, refused, with or without each of what may stand beside a score."""
    place: dict[str, Any] = {
        "nodule_id": nodule_id,
        "center_lps_mm": draw(st.tuples(_MM, _MM, _MM)),
        "diameter_mm": draw(st.floats(1, 100)),
    }
    if draw(st.integers(0, 3)) == 0:
        return NoduleResult(**place, problem=draw(st.none() | _PROBLEMS))
    return scored_nodule(
        malignant=draw(_SHARES),
        **place,
        size_only=draw(st.none() | _SHARES.map(lambda p: Probabilities(benign=1 - p, malignant=p))),
        brock=draw(
            st.none()
            | _SHARES.map(lambda p: BrockRecord(probability_cancer=p))
            | st.just(BrockRecord(missing=missing_factors({})[:2]))
            | _TEXTS.map(lambda text: BrockRecord(problem=text))
        ),
        characteristics=draw(
            st.just({}) | st.fixed_dictionaries({n: st.floats(s.low, s.high) for n, s in CHARACTERISTICS.items()})
        ),
        stability=draw(st.none() | st.tuples(_SHARES, _SHARES).map(_band) | _TEXTS.map(_no_band)),
        measures=draw(st.none() | st.lists(st.floats(0.5, 900), min_size=4, max_size=4).map(_measures)),
        explanation=draw(st.none() | st.lists(_ADDED, min_size=N_TERMS + 1, max_size=N_TERMS + 1).map(score_parts)),
        prevalence=draw(st.none() | st.tuples(_PREVALENCES, _PREVALENCES).map(_shift)),
        patient=draw(st.none() | _SHARES.map(_patient)),
        flags=draw(st.just(()) | st.lists(_PROBLEMS, max_size=2).map(tuple)),
    )


@st.composite
def case_results(draw: st.DrawFn) -> CaseResult:
    """Draw a case: scored with 0 to 20 nodules, refused or failed."""
    names = draw(st.lists(_TEXTS, max_size=20, unique=True))
    nodules = tuple(draw(nodule_results(name)) for name in names)
    status = draw(st.sampled_from(["scored", "scored", "scored", "refused", "failed"]))
    if status == "scored":
        return scored_case(*nodules, case_id=draw(_TEXTS), warnings=draw(st.lists(_PROBLEMS, max_size=2).map(tuple)))
    places = tuple(
        NoduleResult(**one.model_dump(include={"nodule_id", "center_lps_mm", "diameter_mm"})) for one in nodules
    )
    return scored_case(*places, case_id=draw(_TEXTS), status=status, problem=draw(_PROBLEMS))
