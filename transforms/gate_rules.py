"""The rules of the series gate: what is expected of a scan, how exactly, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .problems import ProblemCode as Code

Action = Literal["refuse", "warn", "set aside"]


@dataclass(frozen=True)
class GateRule:
    """One rule of the gate.

    Args:
        code: the problem that a scan has which breaks the rule.
        expects: what is expected.
        reason: why, and why this tolerance.
        tolerance: the limit, in ``unit``; None where there is nothing to measure.
        unit: unit of the tolerance.
        action: what happens to a scan that breaks the rule.
        may_be_allowed: whether ``allow`` admits such a scan, with a warning that says so.
    """

    code: Code
    expects: str
    reason: str
    tolerance: float = 0.0
    unit: str = ""
    action: Action = "refuse"
    may_be_allowed: bool = False

    @property
    def limit(self) -> str:
        """The tolerance as people read it."""
        return f"{self.tolerance:g} {self.unit}" if self.unit else "exact"


READABLE = GateRule(Code.UNREADABLE, "at least one readable image", "Nothing can be said of an empty place.")
FOLDER_FILES = GateRule(
    Code.UNREADABLE,
    "a bounded number of files in a folder",
    "More is no study but a disk; the longest chest series seen hold 3000 slices.",
    20000,
    "files",
)
ARCHIVE_NAMES = GateRule(
    Code.UNSAFE_ARCHIVE,
    "members inside the archive, no links, no passwords",
    "A name that leads out of the archive is an attack or damage; members are read in memory, never extracted.",
)
ARCHIVE_NESTED = GateRule(
    Code.UNSAFE_ARCHIVE, "no archive inside the archive", "Nesting is how a small file becomes an unbounded one."
)
ARCHIVE_FILES = GateRule(
    Code.UNSAFE_ARCHIVE, "a bounded number of files", "The longest chest series seen hold 3000 slices.", 20000, "files"
)
ARCHIVE_SIZE = GateRule(
    Code.UNSAFE_ARCHIVE, "a bounded size once decompressed", "3000 slices of 1024 x 1024 are 6 GiB.", 8, "GiB"
)
ARCHIVE_RATIO = GateRule(
    Code.UNSAFE_ARCHIVE,
    "a compression ratio that images reach (looked at above 64 MiB)",
    "CT compresses 2 to 4 times; zeros, 1000 times.",
    200,
    ": 1",
)
FILE_SIZE = GateRule(
    Code.UNREADABLE, "files of a bounded size", "A file is held in memory while it is decoded.", 4, "GiB"
)
IMAGE_SIZE = GateRule(
    Code.UNREADABLE,
    "a bounded number of rows and columns",
    "Scanners give at most 2048; a decoder allocates what the header says.",
    4096,
    "pixels",
)
TRANSFER_SYNTAX = GateRule(
    Code.UNREADABLE, "a transfer syntax that can be decoded", "Voxels that cannot be decoded cannot be scored."
)
MODALITY = GateRule(
    Code.NOT_CT,
    "modality CT and CT Image Storage (classic, enhanced or legacy converted)",
    "Screen captures and dose reports also say CT; they have no Hounsfield units and no place in space.",
)
OTHER_OBJECTS = GateRule(
    Code.NOT_CT,
    "nothing but CT images in the series",
    "A screen capture or report filed under the series is no slice of it.",
    action="set aside",
)
PIXELS = GateRule(Code.NO_PIXELS, "pixel data in every slice", "A header alone shows nothing.")
GEOMETRY = GateRule(
    Code.NO_GEOMETRY,
    "ImagePositionPatient, ImageOrientationPatient and PixelSpacing in every slice, finite and in human range",
    "A made-up affine moves every nodule; NaN and infinity crash or fool what follows. Range: positions within 100 m, "
    "spacing 0.01 to 20 mm.",
)
COSINES = GateRule(
    Code.NO_GEOMETRY,
    "row and column cosines of length 1, at a right angle",
    "Cosines are written with three decimals or more; worse ones are no rotation.",
    0.002,
    "(unit vectors)",
)
SERIES = GateRule(
    Code.MIXED_SERIES,
    "one series, or several in one frame of reference",
    "Series are never mixed. In one frame of reference a position means the same place in all of them, so the one "
    "with most slices is read (then the thinner, then the smaller UID) and the choice is warned of. In different "
    "frames, name one with series_uid. Localizers and series of one or two images do not count.",
    may_be_allowed=True,
)
SERIES_CHOSEN = GateRule(
    Code.MIXED_SERIES, "one series in one place", "The reader must know which series was scored.", action="warn"
)
SCOUT = GateRule(
    Code.LOCALIZER,
    "no localizer inside the series",
    "A scout is a projection. Told by ImageType LOCALIZER, or by a plane more than 30 degrees off that of the series.",
    30,
    "degrees",
    action="set aside",
)
SAME_SHAPE = GateRule(
    Code.INCONSISTENT_SLICES,
    "the same rows, columns, frame of reference and study in all slices",
    "Slices of two reconstructions are two volumes.",
)
SAME_SPACING = GateRule(
    Code.INCONSISTENT_SLICES,
    "the same PixelSpacing in all slices",
    "It is copied by the scanner, not measured: 1e-4 of 512 pixels is a twentieth of a pixel.",
    1e-4,
    "of its value",
)
SAME_ORIENTATION = GateRule(
    Code.INCONSISTENT_SLICES,
    "the same orientation in all slices",
    "1e-4 moves the far edge of the image by 0.05 mm; cosines of one stack are copies.",
    1e-4,
    "(unit vectors)",
)
SAME_LINE = GateRule(
    Code.INCONSISTENT_SLICES,
    "slice origins on one straight line",
    "Positions rounded to one decimal leave the line by up to 0.1 mm, a tenth of the network's voxel.",
    0.1,
    "mm",
)
SLICE_LOCATION = GateRule(
    Code.INCONSISTENT_SLICES,
    "SliceLocation, where all slices have it, that runs with the positions",
    "ImagePositionPatient decides, but a disagreement between the two may be an edited header.",
    0.5,
    "mm",
    action="warn",
)
SAME_ORDER = GateRule(
    Code.INCONSISTENT_SLICES,
    "instance numbers that run with the positions, or against them, or at random",
    "Instance numbers have no say. But where all slices follow them and a few do not, the few may have been moved: a "
    "first slice written one step behind the last leaves no gap.",
    0.05,
    "of the slices out of order",
    action="warn",
)
ENOUGH_SLICES = GateRule(
    Code.TOO_FEW_SLICES,
    "enough slices to be a volume",
    "With fewer than three the spacing cannot be checked.",
    3,
    "slices",
)
SAME_POSITION = GateRule(
    Code.DUPLICATE_SLICES,
    "one slice a position",
    "Closer than the finest increment of any CT (0.1 mm) and further than rounding. Copies are dropped with a warning; "
    "different images at one place are refused unless acquisition or temporal numbers separate them into stacks.",
    0.02,
    "mm",
)
DUPLICATES_DROPPED = GateRule(
    Code.DUPLICATE_SLICES,
    "no copies of a slice",
    "A copy changes nothing, but is a sign of a bad export.",
    action="warn",
)
NO_GAPS = GateRule(
    Code.MISSING_SLICES,
    "no steps of two or more slice distances",
    "Averaging over a gap stretches the whole scan (2.0 to 2.375 mm in other readers). A step is a gap where it is "
    "within a tenth of a whole number of typical steps. When allowed, slices keep their places and a nodule whose "
    "patch touches a gap is refused.",
    0.1,
    "steps",
    may_be_allowed=True,
)
CONTIGUOUS = GateRule(
    Code.MISSING_SLICES,
    "slices not much thinner than their distance",
    "Where every other slice was lost, positions stay even; only the thickness tells. A distance of 1.5 thicknesses "
    "leaves a third of the lung unseen.",
    1.5,
    "thicknesses",
    action="warn",
)
EVEN_SPACING = GateRule(
    Code.NONUNIFORM_SPACING,
    "slices at equal distances",
    "Positions rounded to one decimal wander by up to 0.1 mm; such slices are sampled where they are (above 0.01 mm). "
    "When allowed, all are.",
    0.1,
    "mm",
    may_be_allowed=True,
)
UPRIGHT = GateRule(
    Code.TILTED,
    "a stack at right angles to its slices (no gantry tilt)",
    "0.1 degrees is 0.5 mm over a chest; cosines of three decimals err by 0.06 degrees. The true sheared affine is "
    "kept below the limit and, when allowed, above it.",
    0.1,
    "degrees",
    may_be_allowed=True,
)
COMPLETE_FILES = GateRule(
    Code.TRUNCATED,
    "files as long as their headers say, and pixels that decode",
    "Other readers fill the missing rows with air or leave the slice out. Seen at opening where a file is short; seen "
    "at decoding otherwise.",
)
RESCALE = GateRule(
    Code.NOT_HOUNSFIELD,
    "RescaleSlope (above 0, to 100) and RescaleIntercept (within 32768) in every slice, of RescaleType HU if given",
    "Without them stored numbers have no meaning; they may differ between slices.",
)
HAS_AIR = GateRule(
    Code.NOT_HOUNSFIELD,
    "some voxels as dark as air (three slices are looked at)",
    "Any chest shows air, at -1000 in the lungs or around the body. A scan that lost its intercept of -1024 shows "
    "none.",
    -500,
    "HU at most",
    may_be_allowed=True,
)
HU_RANGE = GateRule(
    Code.NOT_HOUNSFIELD,
    "values that CT can have (three slices are looked at)",
    "Extended scales for metal end at 30710 HU; wrapped negative numbers stand at 64000 and more.",
    32768,
    "HU",
)
PADDING = GateRule(
    Code.NOT_HOUNSFIELD,
    "a PixelPaddingValue that is air, or below it, or above bone (4000 HU)",
    "Padding becomes air (-1000 HU). A padding value that is also a tissue's would punch holes, so it is not applied.",
    -900,
    "HU at most",
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
    "more than 8 bits a pixel",
    "Eight bits hold a window of the picture, not Hounsfield units.",
    9,
    "bits",
)
THIN = GateRule(
    Code.THICK_SLICES,
    "slices thin enough to judge a nodule",
    "Nodules of 6 mm are judged on slices of 1 to 1.5 mm (Fleischner 2017); above 3 mm they blur into two or three. "
    "The larger of SliceThickness and slice distance counts.",
    3,
    "mm",
    action="warn",
)
NOT_TOO_THICK = GateRule(
    Code.THICK_SLICES,
    "slices that show a nodule at all",
    "Above 5 mm a small nodule is averaged away; the training data end at 5 mm.",
    5,
    "mm",
    may_be_allowed=True,
)
LUNG = GateRule(
    Code.NO_LUNG,
    "lung on one of six slices over the scan",
    "Of the body's area a third is lung in the middle of a chest, 12 % at the bases that end an abdomen's scan, and "
    "under 4 % below. Lung is air whose median is -960 to -500 HU; gas is darker.",
    15,
    "% of the body's area",
    action="warn",
)

# In the order of this page, and none can be forgotten.
GATE_RULES: tuple[GateRule, ...] = tuple(rule for rule in list(globals().values()) if isinstance(rule, GateRule))
