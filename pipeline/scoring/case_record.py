"""From an opened case and the network's predictions to the record that users see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.readings import frame_warning
from nodulus.pipeline.readout.brock import brock_probability, missing_factors, risk_factors_of
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import (
    BrockRecord,
    CaseResult,
    Geometry,
    NoduleResult,
    NodulesFrom,
    Probabilities,
    ProblemRecord,
)
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError, internal_error, refusal_in

from .cases import Case
from .explanation import record_parts
from .open_case import OpenCase
from .prediction import NodulePrediction

# The code of a nodule's flag: it was scored, and is unlike those that the network was trained on.
OUTSIDE_TRAINING_RANGE = "outside_training_range"
N_FACTORS = len(missing_factors({}))


def record_case(
    opened: OpenCase, predictions: Iterable[NodulePrediction], *, explain: bool = False, measures: bool = False
) -> CaseResult:
    """Return the record of a case: refused with its problem, or scored nodule by nodule in the table's order.

    Args:
        opened: the case.
        predictions: one for each item of the case.
        explain: record each score as a sum, too.
        measures: record each nodule's volume, axes and density, too.
    """
    by_id = {prediction.nodule_id: prediction for prediction in predictions}
    if opened.problem is not None or opened.volume is None:
        problem = None if opened.problem is None else ProblemRecord.of(opened.problem)
        nodules = tuple(NoduleResult(**_place(nodule)) for nodule in opened.case.nodules)
        return CaseResult(
            case_id=opened.case.case_id,
            input=str(opened.case.input),
            status="refused",
            problem=problem,
            nodules_from=_nodules_from(opened.case),
            nodules=nodules,
        )
    return CaseResult(
        case_id=opened.case.case_id,
        input=str(opened.case.input),
        status="scored",
        warnings=tuple(ProblemRecord.of(warning) for warning in _warnings(opened, by_id)),
        geometry=Geometry.of(opened.volume.grid),
        nodules_from=_nodules_from(opened.case),
        nodules=tuple(
            _nodule(nodule, opened, by_id.get(nodule.nodule_id), explain=explain, measures=measures)
            for nodule in opened.case.nodules
        ),
    )


def failed_case(case: Case, error: Exception) -> CaseResult:
    """Return the record of a case that could not be read (refused) or that failed on the way (failed)."""
    refusal = refusal_in(error)
    if isinstance(refusal, InputRefusedError):
        problem, status = ProblemRecord.of(refusal.problem), "refused"
    elif refusal is not None:  # a row of a batch that names no scan
        problem, status = ProblemRecord(code=ProblemCode.UNREADABLE.value, message=str(refusal)), "refused"
    else:
        problem, status = ProblemRecord(code="failed", message=f"internal error: {internal_error(error)}"), "failed"
    return CaseResult.model_validate(
        {
            "case_id": case.case_id,
            "input": str(case.input),
            "status": status,
            "problem": problem,
            "nodules_from": _nodules_from(case),
            "nodules": [NoduleResult(**_place(nodule)) for nodule in case.nodules],
        }
    )


def _warnings(opened: OpenCase, by_id: Mapping[str, NodulePrediction]) -> tuple[Problem, ...]:
    """Return what the gate noticed, and whether the nodules seem to lie elsewhere than their numbers were read."""
    volume = opened.accepted()
    # Where the patches show what nodules are like, nothing is read a second time.
    doubtful = {name for name, one in by_id.items() if any(each.is_of_the_place for each in one.readout.outside)}
    frame = "LPS" if opened.case.source is None else opened.case.source.frame
    doubt = frame_warning(opened.case.nodules, volume, frame, doubtful | set(opened.nodule_problems))
    return volume.warnings if doubt is None else (*volume.warnings, doubt)


def _nodules_from(case: Case) -> NodulesFrom | None:
    source = case.source
    if source is None:
        return None
    return NodulesFrom(format=source.format, frame=source.frame, frame_is=source.frame_is, notes=source.notes)


def _nodule(
    nodule: Nodule, opened: OpenCase, prediction: NodulePrediction | None, *, explain: bool, measures: bool
) -> NoduleResult:
    problem = opened.nodule_problems.get(nodule.nodule_id)
    if prediction is None:
        return NoduleResult(**_place(nodule), problem=None if problem is None else ProblemRecord.of(problem))
    readout = prediction.readout
    return NoduleResult(
        **_place(nodule),
        probabilities=Probabilities(benign=prediction.benign, malignant=prediction.malignant),
        logits=prediction.logits,
        size_only=Probabilities(benign=1 - readout.size_only, malignant=readout.size_only),
        prevalence=readout.prevalence,
        patient=readout.patient,
        brock=_brock(nodule),
        above=dict(readout.above),
        characteristics=dict(readout.characteristics),
        stability=prediction.stability,
        measures=_measures(nodule, opened, prediction) if measures else None,
        explanation=record_parts(readout.parts) if explain else None,
        flags=tuple(
            ProblemRecord(code=OUTSIDE_TRAINING_RANGE, message=reason.message, items=(reason.name,))
            for reason in readout.outside
        ),
    )


def _measures(nodule: Nodule, opened: OpenCase, prediction: NodulePrediction) -> Measures:
    """Return what an outline of the nodule measures; not where the patch already shows that none lies there."""
    from .measure import METHOD, measures_of  # loaded late, as scipy comes with it

    if any(reason.is_of_the_place for reason in prediction.readout.outside):
        return Measures(method=METHOD, problem="Expected a nodule at its point, got none to be seen")
    return measures_of(nodule, opened.accepted())


def _brock(nodule: Nodule) -> BrockRecord | None:
    """Return the Brock model's word, None for a nodule of which no risk factor is known."""
    missing = missing_factors(nodule.attributes)
    try:
        factors = risk_factors_of(nodule.attributes)
    except UsageError as error:
        return BrockRecord(missing=missing, problem=str(error))
    if factors is not None:
        return BrockRecord(probability_cancer=brock_probability(nodule.diameter_mm, factors))
    return None if len(missing) == N_FACTORS else BrockRecord(missing=missing)


def _place(nodule: Nodule) -> dict[str, Any]:
    return {
        "nodule_id": nodule.nodule_id,
        "center_lps_mm": nodule.center_lps_mm,
        "diameter_mm": nodule.diameter_mm,
        "box_lps_mm": nodule.box_lps_mm,
    }
