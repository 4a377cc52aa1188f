"""Each nodule of a case as a Secondary Capture: its picture and its numbers, for viewers that show nothing else."""

from __future__ import annotations

import warnings
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from nodulus.pipeline.files import replacing_folder
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.pictures.overview import Overview, overview_of
from nodulus.pipeline.pictures.views import Caption, nodule_views
from nodulus.pipeline.readout.prior_shift import percent
from nodulus.pipeline.results.record import NoduleResult
from nodulus.transforms.volume import CTVolume

from .dicom_origin import DicomOrigin, reported_origin
from .dicom_stamp import made_at, stamp
from .earlier_report import MANUFACTURER
from .name_uids import uid_named
from .scored_case import ScoredCase
from .structured_report import report_uid

_SERIES_NUMBER = 9802
_WHAT_IT_IS = "Research software. Probabilities are of radiologists' opinion, not of cancer."


def write_key_images(scored: ScoredCase, folder: Path) -> tuple[Path, ...]:
    """Write an image a nodule into the folder ``key_images`` and return their paths; a refused scan has none.

    Raises:
        InputRefusedError: there is nothing to show, or no DICOM to refer to.
    """
    if scored.volume is None:
        return ()
    origin, overview = reported_origin(scored, scored.volume), overview_of(scored.volume)
    place = folder / "key_images"
    n_nodules = len(scored.result.nodules)
    names = [f"{number:0{len(str(n_nodules))}d}.dcm" for number in range(1, n_nodules + 1)]
    with replacing_folder(place) as partial:
        for number, name in enumerate(names, 1):
            picture = _picture(scored.result.nodules[number - 1], number, n_nodules, scored.volume, overview)
            _key_image(scored, origin, number, picture).save_as(partial / name)
    return tuple(place / name for name in names)


def _picture(
    nodule: NoduleResult, number: int, n_nodules: int, volume: CTVolume, overview: Overview
) -> NDArray[np.uint8]:
    """Return the picture (rows, columns, RGB) of a nodule.

    It names neither the case nor the nodule as users do, since such names may be the patient's: what is burned in
    tells nobody's identity. The header has the nodule's name.
    """
    shown = Nodule(f"Nodule {number} of {n_nodules}", nodule.center_lps_mm, nodule.diameter_mm, nodule.box_lps_mm)
    return nodule_views(volume, shown, _caption(nodule), overview)


def _caption(nodule: NoduleResult) -> Caption:
    alarms = [f"flagged: {' '.join(flag.items).replace('_', ' ')}" for flag in nodule.flags]
    if nodule.problem is not None:
        return Caption(score="not scored", alarms=(f"not scored: {nodule.problem.code}", *alarms))
    if nodule.probabilities is None:
        return Caption(alarms=tuple(alarms))
    by_size = "" if nodule.size_only is None else f"  (size alone {nodule.size_only.malignant:.3f})"
    score = f"malignant to radiologists: {nodule.probabilities.malignant:.3f}{by_size}"
    return Caption(scan=_what_it_is(nodule), score=score, alarms=tuple(alarms))


def _what_it_is(nodule: NoduleResult) -> str:
    about = [each for each in (_prevalence(nodule), _patient(nodule)) if each]
    return " ".join([_WHAT_IT_IS, *(f"{each[0].upper()}{each[1:]}." for each in about)])


def _prevalence(nodule: NoduleResult) -> str:
    shift = nodule.prevalence
    if shift is None:
        return ""
    return f"scores at a prevalence of {percent(shift.asked)} malignant, calibrated at {percent(shift.calibrated)}"


def _patient(nodule: NoduleResult) -> str:
    return "" if nodule.patient is None else nodule.patient.in_words


def _key_image(scored: ScoredCase, origin: DicomOrigin, number: int, picture: NDArray[np.uint8]) -> Dataset:
    nodule, run = scored.result.nodules[number - 1], scored.run
    made = made_at(run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a patient's name or id that is odd in the scan is taken over as it is
        image: Dataset = hd.sc.SCImage.from_ref_dataset(
            ref_dataset=origin.evidence()[0],
            pixel_array=picture,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            series_instance_uid=uid_named("key images", origin.series_uid, run.software.version),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=uid_named("key image", report_uid(scored, origin), str(number)),
            instance_number=number,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=run.bundle.name[:64],
            software_versions=run.software.version[:64],
            series_description="Lung nodules: pictures and numbers",
            patient_orientation=("L", "P"),
            content_date=made.date(),
            content_time=made.time(),
            transfer_syntax_uid=ExplicitVRLittleEndian,
        )
    stamp(image, run)
    image.ConversionType, image.BodyPartExamined = "SYN", "CHEST"
    image.PatientOrientation = None  # three planes and an overview: no one orientation is theirs
    image.BurnedInAnnotation = "NO"
    image.ImageComments = f"{nodule.nodule_id}\n{_what_it_is(nodule)}"
    return image
