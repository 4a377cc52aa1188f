"""A case as a DICOM Structured Report: Comprehensive 3D SR, TID 1500, one measurement group a nodule."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import highdicom as hd
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as published

from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.results.record import NoduleResult, Results
from nodulus.transforms.volume import CTVolume

from .dicom_origin import DicomOrigin, reported_origin
from .dicom_stamp import made_at, stamp
from .earlier_report import MANUFACTURER, report_before
from .name_uids import uid_named
from .scored_case import ScoredCase
from .sr_nodule import nodule_group

_SERIES_NUMBER = 9801
# The fields of a nodule's result that a report shows where they are there.
_SHOWN = ("probabilities", "size_only", "above", "characteristics", "stability", "measures", "flags")


def write_sr(scored: ScoredCase, folder: Path, revises: Dataset | None = None) -> tuple[Path, ...]:
    """Write the report of a case into a folder and return its path; a scan that was refused has none.

    Args:
        scored: the case.
        folder: where it is written, as ``sr.dcm``.
        revises: the report that this one takes the place of.

    Raises:
        InputRefusedError: there is nothing to report, or no DICOM to refer to.
    """
    if scored.volume is None:
        return ()
    report = structured_report(scored, scored.volume, revises)
    path = folder / "sr.dcm"
    with replacing_file(path) as temporary:
        report.save_as(temporary)
    return (path,)


def structured_report(scored: ScoredCase, volume: CTVolume, revises: Dataset | None = None) -> Dataset:
    """Return the report of a case."""
    origin = reported_origin(scored, volume)
    before = _predecessor(scored, origin, revises)
    made = made_at(scored.run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a patient's name or id that is odd in the scan is taken over as it is
        report: Dataset = hd.sr.Comprehensive3DSR(
            evidence=origin.evidence(),
            content=_content(scored, origin, volume),
            series_instance_uid=uid_named("reports", origin.series_uid, scored.run.software.version),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=report_uid(scored, origin, before),
            instance_number=1 if before is None else int(before.get("InstanceNumber") or 1) + 1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=scored.run.bundle.name[:64],
            software_versions=scored.run.software.version[:64],
            series_description="Lung nodules: radiologists' opinion, predicted",
            is_complete=True,
            previous_versions=None if before is None else [before],
            content_date=made.date(),
            content_time=made.time(),
            coding_schemes=[CodingSchemeIdentificationItem(codes.SCHEME, codes.SCHEME_NAME)],
        )
    stamp(report, scored.run)
    return report


def _predecessor(scored: ScoredCase, origin: DicomOrigin, revises: Dataset | None) -> Dataset | None:
    """Return the report to name as the predecessor: where the earlier one says the same, the one that it named."""
    if revises is None:
        return None
    named = report_before(revises)
    return named if revises.SOPInstanceUID == report_uid(scored, origin, named) else revises


def report_uid(scored: ScoredCase, origin: DicomOrigin, revises: Dataset | None = None) -> str:
    """Return the UID that follows from the scan, the nodules, the model and what was asked of them.

    Scores are left out: they follow from these, but for a last digit that differs from one processor to another.
    """
    run = scored.run
    model = (run.software.version, run.bundle.name, run.bundle.version, run.bundle.weights_sha256)
    images = [image.sop_instance_uid for image in origin.slices]
    nodules = json.dumps([_told(nodule) for nodule in scored.result.nodules])
    before = [] if revises is None else [str(revises.SOPInstanceUID)]
    return uid_named("report", origin.series_uid, *model, nodules, *images, *before)


def _told(nodule: NoduleResult) -> list[object]:
    """Return what is known of a nodule before it is scored, and which fields of its result are filled in."""
    problem = None if nodule.problem is None else nodule.problem.code
    brock = None if nodule.brock is None else nodule.brock.probability_cancer
    asked = None if nodule.prevalence is None else nodule.prevalence.asked
    used = () if nodule.patient is None else nodule.patient.used
    # Only where there are any, so that reports of before keep their UIDs.
    more = [repr(each) for each in (asked, used) if each]
    filled = [name for name in _SHOWN if getattr(nodule, name)]
    place = (*nodule.center_lps_mm, nodule.diameter_mm, *(nodule.box_lps_mm or ()))
    return [nodule.nodule_id, *map(repr, place), problem, repr(brock), filled, *more]


def _content(scored: ScoredCase, origin: DicomOrigin, volume: CTVolume) -> hd.sr.MeasurementReport:
    algorithm = _algorithm(scored.run)
    groups = [nodule_group(nodule, origin, volume.grid, algorithm) for nodule in scored.result.nodules]
    return hd.sr.MeasurementReport(_observed_by(scored.run), codes.CT, imaging_measurements=groups)


def _algorithm(run: Results) -> hd.sr.AlgorithmIdentification:
    return hd.sr.AlgorithmIdentification(
        run.bundle.name,
        run.bundle.version,
        parameters=[f"weights SHA-256 {run.bundle.weights_sha256}", f"score: {run.bundle.score_meaning}"],
        family=published.DCM.ArtificialIntelligence,
    )


def _observed_by(run: Results) -> hd.sr.ObservationContext:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=uid_named("device", run.software.version, run.bundle.weights_sha256),
        name=f"{run.software.name} {run.software.version}",
        manufacturer_name=MANUFACTURER,
        model_name=f"{run.bundle.name} {run.bundle.version}",
    )
    return hd.sr.ObservationContext(observer_device_context=hd.sr.ObserverContext(published.DCM.Device, device))
