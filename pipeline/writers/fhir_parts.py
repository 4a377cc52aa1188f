"""The small parts that FHIR resources are made of, as plain JSON data."""

from __future__ import annotations

import uuid
from typing import Any

from pydicom.sr.coding import Code

from nodulus.pipeline.results.finding_codes import SCHEME, SCHEME_NAME

from .name_uids import uid_named

Resource = dict[str, Any]

# Concepts of ours: a name that anybody can make again, since nobody registers it (RFC 3061 and X.667: 2.25).
OWN_SYSTEM = f"urn:oid:{uid_named('code system', SCHEME, SCHEME_NAME)}"
RADELEMENT = "https://radelement.org"
# What the codes' schemes of DICOM are called in FHIR (PS3.16, table 8-1).
SYSTEMS = {
    SCHEME: OWN_SYSTEM,
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
}
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
UCUM = "http://unitsofmeasure.org"


def concept(*codes: Code | Resource, text: str | None = None) -> Resource:
    """Return a CodeableConcept of one or more codes that mean the same, and its words."""
    codings = [code if isinstance(code, dict) else coding(code) for code in codes]
    return {"coding": codings, **({"text": text} if text and not text.isspace() else {})}


def names(text: str) -> list[Resource]:
    """Return a name as the Identifiers of a resource; none where it holds nothing that FHIR takes for text."""
    return [{"value": text}] if text and not text.isspace() else []


def coding(code: Code) -> Resource:
    """Return a code of a DICOM scheme as a Coding."""
    return {"system": SYSTEMS[code.scheme_designator], "code": code.value, "display": code.meaning}


def rad_element(value: str, meaning: str) -> Resource:
    """Return a RadElement common data element as a Coding."""
    return {"system": RADELEMENT, "code": value, "display": meaning}


def quantity(value: float, unit: str = "1") -> Resource:
    """Return a number with its UCUM unit, "1" where it has none."""
    named = {} if unit == "1" else {"unit": unit}
    return {"value": value, **named, "system": UCUM, "code": unit}


def dicom_uid(uid: str) -> Resource:
    """Return a DICOM UID as an Identifier."""
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}


def resource_id(*what: str) -> str:
    """Return the UUID of a resource that a few texts name: the same one whenever it is written."""
    return str(uuid.UUID(int=int(uid_named("fhir", *what).rpartition(".")[2])))


def reference(resource: Resource) -> Resource:
    """Return a reference to a resource of the same bundle."""
    return {"reference": f"urn:uuid:{resource['id']}"}
