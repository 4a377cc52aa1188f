"""What is found in a nodule, as coded concepts: published ones where they mean the same, else our own."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.sr.coding import Code

from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, Scale
from nodulus.pipeline.results.record import NoduleResult
from nodulus.pipeline.statistics.operating_points import POINT_NAMES

# Private schemes begin with 99 (PS3.16 chapter 8).
SCHEME, SCHEME_NAME = "99NODULUS", "Concepts of the software nodulus"


def own_code(value: str, meaning: str) -> Code:
    """Return a concept of ours; a meaning has at most 64 letters, of which viewers show some 50 beside a number."""
    return Code(value, SCHEME, meaning[:64])


# (111047, DCM, "Probability of cancer") is not what the network was taught: its teachers were readers, not pathology.
SCORE = own_code("malignant", "Probability that radiologists would judge malignant")
SCORE_LOW = own_code("malignant_low", "Malignant probability, lower end of its band")
SCORE_HIGH = own_code("malignant_high", "Malignant probability, upper end of its band")
SIZE_ONLY = own_code("malignant_size", "Probability judged malignant, by size alone")
PREVALENCE = own_code("prevalence", "Malignant nodules taken for granted by the scores")
CALIBRATED = own_code("prev_calibrated", "Malignant nodules that they were calibrated on")
IMAGE_ALONE = own_code("malignant_image", "Probability judged malignant, by the image alone")
BROCK = own_code("cancer_brock", "Probability of cancer by the Brock model")
X, Y, Z = (own_code(f"{axis}_lps", f"Centre, {axis} of LPS (patient's left, posterior, superior)") for axis in "xyz")
FLAG = own_code("flag", "Reason to distrust the score")
NOT_SCORED = own_code("not_scored", "Not scored, because")
SEGMENTED = own_code("segmented", "Measured on a segmentation of the nodule")
SEGMENTED_AND_GIVEN = own_code("segmented_given", "From a segmentation and from the diameter given")
GIVEN = own_code("given", "As given with the nodule, not measured here")
THRESHOLDS: dict[str, Code] = {
    name: own_code(f"above_{name.removeprefix('high_')[:5]}", f"Reaches the {name.replace('_', ' ')} threshold")
    for name in POINT_NAMES
}


def _rating(name: str, scale: Scale) -> Code:
    words = name.replace("_", " ")
    ends = f"{scale.low} {scale.low_means} to {scale.high} {scale.high_means}"
    return own_code(name.replace("structure", "struct"), f"Predicted {words} rating, {ends}")


RATINGS = {name: _rating(name, scale) for name, scale in CHARACTERISTICS.items()}

QUALITATIVE = Code("C0034375", "UMLS", "Qualitative Evaluations")
NODULE = Code("27925004", "SCT", "Nodule")
LUNG = Code("39607008", "SCT", "Lung structure")
DIAMETER = Code("81827009", "SCT", "Diameter")
VOLUME = Code("118565006", "SCT", "Volume")
# Published axes are read as the nodule's size, where it has none other: what was given stays the size of ours.
LONG_AXIS = own_code("long_axis", "Long axis within a slice")
SHORT_AXIS = own_code("short_axis", "Short axis within a slice")
MEAN_DENSITY = own_code("mean_hu", "Mean Hounsfield units")
# (24627-2, LN, "CT Chest") would say more; it is none of the procedures that TID 1500 knows (CID 100).
CT = Code("25045-6", "LN", "CT unspecified body region")
YES, NO = Code("373066001", "SCT", "Yes"), Code("373067005", "SCT", "No")
MILLIMETRE, PERCENT = Code("mm", "UCUM", "millimeter"), Code("%", "UCUM", "percent")
CUBIC_MILLIMETRE = Code("mm3", "UCUM", "cubic millimeter")
RATING, HOUNSFIELD_UNIT = Code("{rating}", "UCUM", "rating"), Code("[hnsf'U]", "UCUM", "Hounsfield unit")


def probabilities(nodule: NoduleResult) -> Iterator[tuple[Code, float]]:
    """Yield the probabilities that are said of a nodule, 0 to 1: concept and value, the score first."""
    if nodule.probabilities is not None:
        yield SCORE, nodule.probabilities.malignant
    if (band := nodule.stability) is not None and band.low is not None and band.high is not None:
        yield SCORE_LOW, band.low
        yield SCORE_HIGH, band.high
    if nodule.size_only is not None:
        yield SIZE_ONLY, nodule.size_only.malignant
    if nodule.prevalence is not None:
        yield PREVALENCE, nodule.prevalence.asked
        yield CALIBRATED, nodule.prevalence.calibrated
    if nodule.patient is not None:
        yield IMAGE_ALONE, nodule.patient.image_alone
    if nodule.brock is not None and nodule.brock.probability_cancer is not None:
        yield BROCK, nodule.brock.probability_cancer


def measured(nodule: NoduleResult) -> Iterator[tuple[Code, float, Code, Code]]:
    """Yield what was measured on a segmentation of a nodule: concept, value, unit, and by which method.

    The mean density is a concept of ours: a published one would need a derivation beside it, which viewers leave out.
    """
    found = nodule.measures
    if found is None:
        return
    told = (
        (VOLUME, found.volume_mm3, CUBIC_MILLIMETRE, SEGMENTED_AND_GIVEN),
        (LONG_AXIS, found.long_axis_mm, MILLIMETRE, SEGMENTED),
        (SHORT_AXIS, found.short_axis_mm, MILLIMETRE, SEGMENTED),
        (MEAN_DENSITY, found.mean_hu, HOUNSFIELD_UNIT, SEGMENTED),
    )
    for name, value, unit, method in told:
        if value is not None:
            yield name, value, unit, method
