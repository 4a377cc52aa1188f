"""One nodule in FHIR R5: the observation of it, and the selection of the images that it lies in."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.sr.coding import Code

from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.results.record import NoduleResult, ProblemRecord
from nodulus.transforms.volume import CTVolume

from .fhir_parts import ABSENT, Resource, concept, dicom_uid, names, quantity, rad_element, resource_id
from .name_uids import uid_named
from .sr_region import central_slice

# RadElement's set for a nodule of the lung, and those of its elements that mean what we say. Its composition and
# morphology are choices of a reader; ours are predicted ratings on scales, and so concepts of our own.
PULMONARY_NODULE = rad_element("RDES195", "Pulmonary Nodule")
SIZE, VOLUME = rad_element("RDE1302", "Size"), rad_element("RDE1705", "Volume")
AXES = (codes.X, codes.Y, codes.Z)


def observation(nodule: NoduleResult, scan: str, about: Resource) -> Resource:
    """Return the Observation of a nodule: what is known of it as components, and in notes why to distrust it.

    Args:
        nodule: as it was recorded.
        scan: what tells its scan from others: the series UID, else the case's name.
        about: elements that all observations of the report share.
    """
    notes = [*(_note("flag", flag) for flag in nodule.flags)]
    about_score = (each for each in (nodule.prevalence, nodule.patient) if each is not None)
    notes += [{"text": f"score: {each.in_words}"} for each in about_score]
    notes += [] if nodule.problem is None else [_note("not scored", nodule.problem)]
    return {
        "resourceType": "Observation",
        "id": resource_id("observation", scan, nodule.nodule_id),
        "identifier": [dicom_uid(uid_named("nodule", scan, nodule.nodule_id)), *names(nodule.nodule_id)],
        "status": "preliminary",
        "code": concept(PULMONARY_NODULE, codes.NODULE, text=nodule.nodule_id),
        **about,
        "bodySite": concept(codes.LUNG),
        **({"note": notes} if notes else {}),
        "component": list(_components(nodule)),
    }


def selection(nodule: NoduleResult, volume: CTVolume, scan: str, about: Resource) -> Resource | None:
    """Return the ImagingSelection of a nodule: the image through its centre, and the centre in space (LPS mm).

    None where the scan has no images that could be named, or the nodule lies outside it.
    """
    series, frame = (str(volume.attributes.get(f"{what}_uid", "")) for what in ("series", "frame_of_reference"))
    if not volume.slices or not volume.grid.contains_lps(nodule.center_lps_mm):
        return None
    image = volume.slices[central_slice(volume.grid, nodule.center_lps_mm)]
    named = {"sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{image.sop_class_uid}"}}
    frames = {} if image.frame_number is None else {"subset": [str(image.frame_number)]}
    point = {"regionType": "point", "coordinate": list(nodule.center_lps_mm)}
    return {
        "resourceType": "ImagingSelection",
        "id": resource_id("selection", scan, nodule.nodule_id),
        "status": "available",
        **about,
        "code": concept(codes.NODULE, text=nodule.nodule_id),
        "studyUid": str(volume.attributes.get("study_uid", "")),
        "seriesUid": series,
        **({"frameOfReferenceUid": frame} if frame else {}),
        "bodySite": {"concept": concept(codes.LUNG)},
        "instance": [{"uid": image.sop_instance_uid, **named, **frames, "imageRegion3D": [point]}],
    }


def _components(nodule: NoduleResult) -> Iterator[Resource]:
    yield {"code": concept(SIZE, codes.DIAMETER), "valueQuantity": quantity(nodule.diameter_mm, "mm")}
    for axis, position_mm in zip(AXES, nodule.center_lps_mm, strict=True):
        yield {"code": concept(axis), "valueQuantity": quantity(position_mm, "mm")}
    if nodule.probabilities is None:
        reason = {"system": ABSENT, "code": "not-performed", "display": "Not Performed"}
        why = None if nodule.problem is None else nodule.problem.code
        yield {"code": concept(codes.SCORE), "dataAbsentReason": concept(reason, text=why)}
    for code, probability in codes.probabilities(nodule):
        yield _number(code, probability)
    for code, value, unit, method in codes.measured(nodule):
        same = (VOLUME,) if code == codes.VOLUME else ()
        how = f"{code.meaning}: {method.meaning}"  # a component has no method of its own
        yield {"code": concept(*same, code, text=how), "valueQuantity": quantity(value, unit.value)}
    for name, is_above in nodule.above.items():
        yield {"code": concept(codes.THRESHOLDS[name]), "valueBoolean": is_above}
    for name, rating in nodule.characteristics.items():
        yield _number(codes.RATINGS[name], rating)


def _number(code: Code, value: float) -> Resource:
    return {"code": concept(code), "valueQuantity": quantity(value)}


def _note(what: str, problem: ProblemRecord) -> Resource:
    return {"text": f"{what}: {problem.code}: {problem.message}"}
