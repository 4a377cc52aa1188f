"""What is expected of the numbers of a scan, and of what it shows: as Hounsfield units of a chest."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .rule import GateRule, Limit

RESCALE = GateRule(
    Code.NOT_HOUNSFIELD,
    "rescale to Hounsfield units: RescaleSlope above 0, and RescaleIntercept",
    "Without them stored numbers have no meaning; they may differ between slices.",
    {"slope_at_most": Limit(100, "HU a number"), "intercept_within": Limit(32768, "HU")},
)
HOUNSFIELD_BY_NAME = GateRule(
    Code.NOT_HOUNSFIELD,
    "a RescaleType that names no other quantity than Hounsfield units",
    "MGML, Z_EFF, ED, EDW, OD and PCT are maps of what else a scanner can measure (PS3.3 C.11.1.1.2): densities, "
    "charges, percentages.",
    may_be_allowed=True,
)
NAMED_UNIT = GateRule(
    Code.NOT_HOUNSFIELD,
    "RescaleType HU, if given",
    "US (unspecified) and words of a maker's own say nothing; the values decide.",
    action="warn",
)
HU_RANGE = GateRule(
    Code.NOT_HOUNSFIELD,
    "values within {within}",
    "Several slices are looked at. Extended scales for metal end at 30710 HU; wrapped negative numbers stand at 64000 "
    "and more.",
    {"within": Limit(32768, "HU")},
)
HAS_AIR = GateRule(
    Code.NOT_HOUNSFIELD,
    "air, between {above} and {below}, in at least {at_least}",
    "Any chest shows air, in the lungs or around the body. Padding has no say, nor has the lowest value where it lies "
    "below {above} or fills more than {painted_above}: what surrounds a round field of view is as dark as you like. "
    "A scan that lost its intercept of -1024 shows none, nor does one of half its values. Several slices are looked "
    "at.",
    {
        "at_least": Limit(0.1, "% of the voxels"),
        "above": Limit(-1100, "HU"),
        "below": Limit(-700, "HU"),
        "painted_above": Limit(5, "% of the voxels"),
        "painted_within": Limit(1, "HU"),
    },
    may_be_allowed=True,
)
HAS_TISSUE = GateRule(
    Code.NOT_HOUNSFIELD,
    "soft tissue, between {above} and {below}, in at least {at_least}",
    "Fat, water and muscle lie there in everyone.",
    {"at_least": Limit(1, "% of the voxels"), "above": Limit(-200, "HU"), "below": Limit(300, "HU")},
    may_be_allowed=True,
)
LITTLE_BELOW_AIR = GateRule(
    Code.NOT_HOUNSFIELD,
    "next to nothing below {below}: at most {at_most}, the padding apart",
    "Nothing is thinner than air at -1000 HU; more of it is a wrong slope or intercept.",
    {"at_most": Limit(1, "% of the voxels"), "below": Limit(-1500, "HU")},
    may_be_allowed=True,
)
BODY_MEDIAN = GateRule(
    Code.NOT_HOUNSFIELD,
    "a body (all above {body_above}) whose median is within {within} of {middle}",
    "Between fat and muscle. It is -8 to 8 HU in the four real scans at hand; a slope of 1.2 puts it at 190 to 210, of "
    "2 at 1000, of 0.5 at -230 to -250. A shift of 100 HU is not seen.",
    {"within": Limit(175, "HU"), "middle": Limit(-25, "HU"), "body_above": Limit(-300, "HU")},
    may_be_allowed=True,
)
RESCALE_STEADY = GateRule(
    Code.NOT_HOUNSFIELD,
    "values that go on where RescaleSlope, RescaleIntercept, RescaleType, PixelRepresentation or the bits change from "
    "slice to slice",
    "Neighbours look alike. Every slice at such a change is compared with the middle of its neighbours: the median of "
    "its soft tissue within {within}, noise apart, and its distance from them at "
    "most {distance_at_most} that between the two (0.6 there). A smaller error is not seen.",
    {"within": Limit(15, "HU"), "distance_at_most": Limit(1.1, "times")},
    may_be_allowed=True,
)
VALUES_STEADY = GateRule(
    Code.NOT_HOUNSFIELD,
    "stored values that go on from slice to slice about a nodule",
    "One slice of wrong numbers under a sound header is seen only where it is read. Each slice about a nodule is "
    "compared with its neighbours in whole rows: its distance from them is at most {distance_at_most} that between the "
    "two, or more by {and_by} at most. Two such slices side by side are not seen, nor is one at the end of what is "
    "read of a zip or of compressed pixels. When allowed, nothing is compared.",
    {"distance_at_most": Limit(1.6, "times"), "and_by": Limit(20, "HU")},
    may_be_allowed=True,
)
PADDING = GateRule(
    Code.NOT_HOUNSFIELD,
    "a PixelPaddingValue of {at_most} at most, or above {or_above} (bone)",
    "Padding becomes air (-1000 HU). A padding value that is also a tissue's would punch holes, so it is not applied.",
    {"at_most": Limit(-900, "HU"), "or_above": Limit(4000, "HU")},
    action="warn",
)
LOSSLESS = GateRule(
    Code.LOSSY,
    "pixels that were never compressed with loss",
    "Compression smooths the texture and the edge that the score rests on, by an amount the header does not tell; the "
    "network was trained and tested on lossless images. JPEG 2000 and near-lossless JPEG-LS pass where "
    "LossyImageCompression is 00.",
    may_be_allowed=True,
)
ENOUGH_BITS = GateRule(
    Code.NOT_HOUNSFIELD,
    "{at_least:g} to {at_most} a pixel, 16 or 32 allocated",
    "Eight bits hold a window of the picture, not Hounsfield units.",
    {"at_least": Limit(9, "bits"), "at_most": Limit(32, "bits")},
)
SPARE_BITS = GateRule(
    Code.NOT_HOUNSFIELD,
    "nothing in the bits outside BitsStored but zeros, the sign, padding or an overlay that is declared",
    "They are masked; where they hold part of the pixels, a wrong BitsStored folds all values into a smaller range. "
    "Several slices are looked at, and all whose bits are not those of the slice before or after them.",
)
ENCODED_BITS = GateRule(
    Code.NOT_HOUNSFIELD,
    "compressed pixels of as many bits as the header says are stored, or allocated, and of its sign",
    "Of two accounts of the bits one is wrong, and other bits shift or scale all values.",
)
PROJECTION = GateRule(
    Code.NOT_HOUNSFIELD,
    "no MIP, MinIP or other projection in ImageType",
    "The maximum over a slab is the value of no place.",
    may_be_allowed=True,
)
THIN = GateRule(
    Code.THICK_SLICES,
    "slices of at most {at_most}, thin enough to judge a nodule",
    "Nodules of 6 mm are judged on slices of 1 to 1.5 mm (Fleischner 2017); above 3 mm they blur into two or three. "
    "The larger of SliceThickness and slice distance counts.",
    {"at_most": Limit(3, "mm")},
    action="warn",
)
NOT_TOO_THICK = GateRule(
    Code.THICK_SLICES,
    "slices of at most {at_most}, which show a nodule at all",
    "Above, a small nodule is averaged away; the network was trained on slices of up to 2.5 mm.",
    {"at_most": Limit(5, "mm")},
    may_be_allowed=True,
)
LUNG = GateRule(
    Code.NO_LUNG,
    "lung on at least {at_least} of one of six slices",
    "Of the body's area a third is lung in the middle of a chest, 12 % at the bases that end an abdomen's scan, and "
    "under 4 % below. Lung is a region below {air_below} whose median is {median_from} to {median_to}; gas is darker.",
    {
        "at_least": Limit(15, "% of the body's area"),
        "air_below": Limit(-400, "HU"),
        "median_from": Limit(-960, "HU"),
        "median_to": Limit(-500, "HU"),
    },
    action="warn",
)

VALUE_RULES: tuple[GateRule, ...] = tuple(rule for rule in list(globals().values()) if isinstance(rule, GateRule))
