"""What each file of a case says of its nodules, in the same words, so that the files can be compared."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import highdicom as hd
from pydicom import Dataset

from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.statistics.operating_points import POINT_NAMES
from tests.support.html_outline import Outline

_PROBABILITIES = {"malignant": "probabilities", "size_only": "size_only"}
# Of one nodule: a number, a yes or no, or a word by what it says.
Told = dict[str, Any]
_NUMBERS = {codes.SCORE.value: "malignant", codes.SIZE_ONLY.value: "size_only", codes.BROCK.value: "brock"}
_NUMBERS |= {code.value: f"rating {name}" for name, code in codes.RATINGS.items()}
_NUMBERS |= {codes.SCORE_LOW.value: "low", codes.SCORE_HIGH.value: "high"}
_SIZES = {"volume_mm3": codes.VOLUME, "long_axis_mm": codes.LONG_AXIS, "short_axis_mm": codes.SHORT_AXIS}
_SIZES |= {"mean_hu": codes.MEAN_DENSITY}
_NUMBERS |= {code.value: name for name, code in _SIZES.items()}
_NUMBERS |= {codes.PREVALENCE.value: "prevalence", codes.CALIBRATED.value: "calibrated at"}
_NUMBERS |= {codes.IMAGE_ALONE.value: "image alone"}
_CALLS = {code.value: f"above {name}" for name, code in codes.THRESHOLDS.items()}
_AXES = {code.value: axis for axis, code in zip("xyz", (codes.X, codes.Y, codes.Z), strict=True)}


def told_by_json(text: str) -> list[Told]:
    """Return what results.json says of the nodules of its one case."""
    (case,) = json.loads(text)["cases"]
    return [_told_by_record(nodule) for nodule in case["nodules"]]


def _told_by_record(nodule: Mapping[str, Any]) -> Told:
    told = {"name": nodule["nodule_id"], "diameter": nodule["diameter_mm"]}
    told |= dict(zip("xyz", nodule["center_lps_mm"], strict=True))
    told |= {name: nodule[field]["malignant"] for name, field in _PROBABILITIES.items() if nodule[field]}
    if nodule["brock"] and nodule["brock"]["probability_cancer"] is not None:
        told["brock"] = nodule["brock"]["probability_cancer"]
    told |= {"prevalence": (nodule["prevalence"] or {}).get("asked")}
    told |= {"calibrated at": (nodule["prevalence"] or {}).get("calibrated")}
    told |= {"image alone": (nodule["patient"] or {}).get("image_alone")}
    told |= {f"above {name}": is_above for name, is_above in nodule["above"].items()}
    told |= {f"rating {name}": rating for name, rating in nodule["characteristics"].items()}
    told |= {end: (nodule["stability"] or {}).get(end) for end in ("low", "high")}
    told |= {name: (nodule["measures"] or {}).get(name) for name in _SIZES}
    told |= _told_sum(nodule["explanation"] or {})
    told = {name: value for name, value in told.items() if value is not None}
    told["flags"] = sorted(item for flag in nodule["flags"] for item in flag["items"] or [flag["code"]])
    return told | ({"problem": nodule["problem"]["code"]} if nodule["problem"] else {})


def _told_sum(sum_of_parts: Mapping[str, Any]) -> Told:
    """Return what a score's sum says, each of its numbers by its field."""
    whole = {name: sum_of_parts.get(name) for name in ("logit", "average", "remainder")}
    return {f"sum {name}": value for name, value in (whole | sum_of_parts.get("parts", {})).items()}


def told_by_csv(text: str) -> list[Told]:
    """Return what results.csv says of the nodules of its one case."""
    rows = csv.DictReader(text.splitlines(keepends=True))
    return [_told_by_row(row) for row in rows if row["nodule_id"]]


def _told_by_row(row: Mapping[str, str]) -> Told:
    fields = {axis: f"{axis}_mm" for axis in "xyz"} | {"diameter": "diameter_mm", "brock": "brock_probability_cancer"}
    fields |= {"malignant": "probability_malignant", "size_only": "size_only_malignant"}
    fields |= {"prevalence": "prevalence", "calibrated at": "calibrated_prevalence"}
    fields |= {"image alone": "image_alone_malignant"}
    fields |= {f"rating {name}": f"predicted_{name}" for name in CHARACTERISTICS}
    fields |= {"low": "stability_low", "high": "stability_high"} | {name: name for name in _SIZES}
    told: Told = {"name": row["nodule_id"]}
    told |= {name: float(row[field]) for name, field in fields.items() if row[field]}
    calls = {f"above {name}": row[f"above_{name}"] for name in POINT_NAMES}
    told |= {name: call == "yes" for name, call in calls.items() if call}
    return told | ({"problem": row["problem"].partition(":")[0]} if row["problem"] else {})


def told_by_page(text: str) -> list[Told]:
    """Return what report.html says of the nodules of its case: the numbers that stand beside the rounded ones."""
    articles = re.findall(r"<article.*?</article>", text, re.DOTALL)
    return [_told_by_fields(Outline(article)) for article in articles]


def _told_by_fields(outline: Outline) -> Told:
    fields = {f"center_lps_mm.{axis}": name for axis, name in enumerate("xyz")}
    fields |= {"diameter_mm": "diameter", "probabilities.malignant": "malignant", "size_only.malignant": "size_only"}
    fields |= {"brock.probability_cancer": "brock"} | {
        f"characteristics.{name}": f"rating {name}" for name in CHARACTERISTICS
    }
    fields |= {"prevalence.asked": "prevalence", "prevalence.calibrated": "calibrated at"}
    fields |= {"patient.image_alone": "image alone"}
    fields |= {"stability.low": "low", "stability.high": "high"} | {f"measures.{name}": name for name in _SIZES}
    told: Told = {}
    for field, shown, attributes in outline.fields():
        whole = attributes.get("value", attributes.get("data-value"))
        if field in fields:
            told[fields[field]] = float(str(whole))
        elif field.startswith("explanation."):
            told[f"sum {field.rpartition('.')[2]}"] = float(str(whole))
        elif field == "nodule_id":
            told["name"] = shown
        elif field.startswith("above."):
            told[field.replace(".", " ")] = whole == "true"
        elif field == "problem.code":
            told["problem"] = shown.replace(" ", "_")
    return told


def told_by_report(dataset: Dataset) -> list[Told]:
    """Return what sr.dcm says of the nodules, in their order: the plain content, whose templates others read."""
    return [_told_by_group(group.ContentSequence) for group in _measurement_groups(dataset)]


def _measurement_groups(dataset: Dataset) -> Iterator[Dataset]:
    (container,) = [item for item in dataset.ContentSequence if _name_of(item) == "126010"]
    yield from container.ContentSequence


def _name_of(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def _told_by_group(items: Iterable[Dataset]) -> Told:
    told: Told = {"flags": []}
    for item in items:
        name = _name_of(item)
        if name == "112039":
            told["name"] = item.TextValue
        elif item.ValueType == "NUM":
            (number,) = item.MeasuredValueSequence
            share = 100 if number.MeasurementUnitsCodeSequence[0].CodeValue == codes.PERCENT.value else 1
            told[_NUMBERS.get(name, "diameter")] = float(number.NumericValue) / share
        elif item.ValueType == "CODE":
            _add_word(told, name, item.ConceptCodeSequence[0].CodeValue)
    return told | {"flags": sorted(told["flags"])}


def _add_word(told: Told, name: str, value: str) -> None:
    if name in _CALLS:
        told[_CALLS[name]] = value == codes.YES.value
    elif name == codes.FLAG.value:
        told["flags"].append(value)
    elif name == codes.NOT_SCORED.value:
        told["problem"] = value


def groups_of(report: hd.sr.Comprehensive3DSR) -> Iterator[hd.sr.Template]:
    """Yield the measurement groups of a report in their order, those without a place among them."""
    groups = [*report.content.get_planar_roi_measurement_groups(), *report.content.get_image_measurement_groups()]
    yield from sorted(groups, key=lambda group: _order_in(report, group))


def _order_in(report: Dataset, group: hd.sr.Template) -> int:
    uids = [
        next(each.UID for each in item.ContentSequence if each.ValueType == "UIDREF")
        for item in _measurement_groups(report)
    ]
    return uids.index(group.tracking_uid)


def told_by_fhir(text: str) -> list[Told]:
    """Return what fhir.json says of the nodules, in the order of the report's results."""
    resources = {entry["fullUrl"]: entry["resource"] for entry in json.loads(text)["entry"]}
    (report,) = [each for each in resources.values() if each["resourceType"] == "DiagnosticReport"]
    return [_told_by_observation(resources[result["reference"]]) for result in report.get("result", [])]


def _told_by_observation(resource: Mapping[str, Any]) -> Told:
    told: Told = {"name": resource["code"]["text"]}
    for component in resource["component"]:
        values = {coding["code"] for coding in component["code"]["coding"]}
        (value,) = values - {"RDE1302", "RDE1705"}
        if "dataAbsentReason" in component:
            told |= (
                {"problem": component["dataAbsentReason"]["text"]} if "text" in component["dataAbsentReason"] else {}
            )
        elif value in _CALLS:
            told[_CALLS[value]] = component["valueBoolean"]
        else:
            told[(_NUMBERS | _AXES).get(value, "diameter")] = component["valueQuantity"]["value"]
    return told
