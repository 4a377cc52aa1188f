"""One nodule as a measurement group of a report (TID 1410): what it is called, where it is, what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import highdicom as hd
from pydicom.sr.coding import Code

from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.results.record import NoduleResult, ProblemRecord
from nodulus.transforms.geometry import Grid

from .dicom_origin import DicomOrigin
from .name_uids import uid_named
from .sr_region import region_in_space, region_on_slice

# As many digits as results.csv shows.
_DIGITS = 6


def nodule_group(
    nodule: NoduleResult, origin: DicomOrigin, grid: Grid, algorithm: hd.sr.AlgorithmIdentification
) -> hd.sr.Template:
    """Return the measurement group of a nodule; one that was not scored says why.

    A nodule that lies in the scan is drawn on its central slice, one beside it in space. The tracking UID names the
    nodule in its series, so that a later report of it can be matched.
    """
    tracking = hd.sr.TrackingIdentifier(uid_named("nodule", origin.series_uid, nodule.nodule_id), nodule.nodule_id)
    about = {
        "tracking_identifier": tracking,
        "finding_type": codes.NODULE,
        "finding_sites": [hd.sr.FindingSite(codes.LUNG)],
        "algorithm_id": algorithm,
        "measurements": [number for find in NUMBERS for number in find(nodule)],
        "qualitative_evaluations": [*_thresholds(nodule), *_doubts(nodule)],
    }
    if grid.contains_lps(nodule.center_lps_mm):
        region = region_on_slice(origin, grid, nodule.center_lps_mm, nodule.diameter_mm)
    elif origin.frame_of_reference_uid:
        region = region_in_space(origin, grid, nodule.center_lps_mm, nodule.diameter_mm)
    else:
        return hd.sr.MeasurementsAndQualitativeEvaluations(**about)
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **about)


def _size(nodule: NoduleResult) -> Iterable[hd.sr.Measurement]:
    yield _number(codes.DIAMETER, nodule.diameter_mm, codes.MILLIMETRE, codes.GIVEN)


def _scores(nodule: NoduleResult) -> Iterable[hd.sr.Measurement]:
    for name, probability in codes.probabilities(nodule):
        yield _number(name, 100 * probability, codes.PERCENT)  # viewers show two decimals, and the unit beside them


def _measured(nodule: NoduleResult) -> Iterable[hd.sr.Measurement]:
    for name, value, unit, method in codes.measured(nodule):
        yield _number(name, value, unit, method)


def _ratings(nodule: NoduleResult) -> Iterable[hd.sr.Measurement]:
    for name, rating in nodule.characteristics.items():
        if name in codes.RATINGS:
            yield _number(codes.RATINGS[name], rating, codes.RATING)


# What is said of a nodule in numbers, in this order: viewers label a mark with the first.
NUMBERS: tuple[Callable[[NoduleResult], Iterable[hd.sr.Measurement]], ...] = (
    _scores,
    _size,
    _measured,
    _ratings,
)


def _number(name: Code, value: float, unit: Code, method: Code | None = None) -> hd.sr.Measurement:
    return hd.sr.Measurement(name, float(f"{value:.{_DIGITS}g}"), unit, method=method)


def _thresholds(nodule: NoduleResult) -> Iterable[hd.sr.QualitativeEvaluation]:
    for name, is_above in nodule.above.items():
        if name in codes.THRESHOLDS:
            yield hd.sr.QualitativeEvaluation(codes.THRESHOLDS[name], codes.YES if is_above else codes.NO)


def _doubts(nodule: NoduleResult) -> Iterable[hd.sr.QualitativeEvaluation]:
    for flag in nodule.flags:
        for item in flag.items or (flag.code,):
            yield hd.sr.QualitativeEvaluation(codes.FLAG, codes.own_code(item, item.replace("_", " ")))
    if nodule.problem is not None:
        yield hd.sr.QualitativeEvaluation(codes.NOT_SCORED, _reason(nodule.problem))


def _reason(problem: ProblemRecord) -> Code:
    return codes.own_code(problem.code, problem.code.replace("_", " "))
