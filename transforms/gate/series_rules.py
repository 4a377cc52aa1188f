"""What is expected of the slices of a DICOM series: each by itself, all together, and the stack that they make."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .place_rules import PLACE_RULES
from .rule import GateRule, Limit
from .value_rules import VALUE_RULES

IMAGE_SIZE = GateRule(
    Code.UNREADABLE,
    "1 to {at_most} along rows and columns",
    "Scanners give at most 2048; a decoder allocates what the header says.",
    {"at_most": Limit(4096, "pixels")},
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
    "CT images only in the series",
    "A screen capture or report filed under the series is no slice of it.",
    action="set aside",
)
PIXELS = GateRule(Code.NO_PIXELS, "pixel data in every slice", "A header alone shows nothing.")
GEOMETRY = GateRule(
    Code.NO_GEOMETRY,
    "ImagePositionPatient, ImageOrientationPatient and PixelSpacing in every slice, finite and in human range",
    "A made-up affine moves every nodule; NaN and infinity crash or fool what follows.",
    {
        "position_within": Limit(100, "m"),
        "spacing_at_least": Limit(0.01, "mm"),
        "spacing_at_most": Limit(20, "mm"),
    },
)
PAGE = GateRule(
    Code.NO_GEOMETRY,
    "no page without a place in space inside the series",
    "A picture of a report or a curve, filed under the series, is no slice of it. Told by a position that is missing "
    "where orientation and spacing are, too, or where ImageType says DERIVED or SECONDARY and those of most slices do "
    "not; where more slices than the limits are so, they are refused. A slice that lost its place leaves a gap.",
    {"at_most": Limit(3, "slices"), "or_at_most": Limit(10, "% of the slices")},
    action="set aside",
)
COSINES = GateRule(
    Code.NO_GEOMETRY,
    "row and column cosines of length 1, at a right angle",
    "Cosines are written with three decimals or more; worse ones are no rotation.",
    {"within": Limit(0.002, "(unit vectors)")},
)
SERIES = GateRule(
    Code.MIXED_SERIES,
    "one series, or several in one frame of reference",
    "Series are never mixed. In one frame of reference a position means the same place in all of them, so one is read "
    "and the choice is warned of: ORIGINAL\\PRIMARY\\AXIAL before derived, then most slices, then the thinner, then "
    "the smaller UID. In different frames, name one with series_uid. Series do not count that are localizers or "
    "projections, have no rescale to HU, slices above 5 mm, or fewer than three positions.",
    may_be_allowed=True,
)
SERIES_CHOSEN = GateRule(
    Code.MIXED_SERIES, "one series in one place", "The reader must know which series was scored.", action="warn"
)
ALL_LOCALIZERS = GateRule(
    Code.LOCALIZER,
    "a series that is more than localizers",
    "A localizer is a projection, and so are several in parallel.",
)
LOCALIZER = GateRule(
    Code.LOCALIZER,
    "no localizer inside the series",
    "A localizer is a projection. Told by ImageType LOCALIZER, or by a plane more than {off_the_plane} off that of the "
    "series; where more slices than the limits are off without the label, they are a second stack, which is refused.",
    {
        "off_the_plane": Limit(30, "degrees"),
        "unlabelled_at_most": Limit(3, "slices"),
        "or_at_most": Limit(10, "% of the slices"),
    },
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
    {"within": Limit(1e-4, "of its value")},
)
SAME_ORIENTATION = GateRule(
    Code.INCONSISTENT_SLICES,
    "the same orientation in all slices",
    "1e-4 moves the far edge of the image by 0.05 mm; cosines of one stack are copies.",
    {"within": Limit(1e-4, "(unit vectors)")},
)
COLLINEAR = GateRule(
    Code.INCONSISTENT_SLICES,
    "slice origins on one line within {within}",
    "Positions rounded to one decimal leave the line by up to 0.1 mm, a tenth of the network's voxel.",
    {"within": Limit(0.1, "mm")},
)
SLICE_LOCATION = GateRule(
    Code.INCONSISTENT_SLICES,
    "SliceLocation, where all slices have it, to run with the positions within {within}",
    "ImagePositionPatient decides, but a disagreement between the two may be an edited header.",
    {"within": Limit(0.5, "mm")},
    action="warn",
)
METADATA_ORDER = GateRule(
    Code.INCONSISTENT_SLICES,
    "instance numbers to run with the positions, or against them, or at random",
    "Instance numbers have no say. But where all slices follow them and a few do not, the few may have been moved: a "
    "first slice written one step behind the last leaves no gap.",
    {"few_are_at_most": Limit(5, "% of the slices, or one")},
    action="warn",
)
ENOUGH_SLICES = GateRule(
    Code.TOO_FEW_SLICES,
    "at least {at_least}",
    "With fewer than three the spacing cannot be checked.",
    {"at_least": Limit(3, "slices")},
)
SAME_POSITION = GateRule(
    Code.DUPLICATE_SLICES,
    "one slice a position",
    "Closer than the finest increment of any CT (0.1 mm) and further than rounding. Copies are dropped with a warning; "
    "different images at one place are refused unless acquisition or temporal numbers separate them into stacks of "
    "three or more slices at largely the same positions.",
    {"within": Limit(0.02, "mm"), "stacks_share_at_least": Limit(50, "% of their positions")},
)
DUPLICATES_DROPPED = GateRule(
    Code.DUPLICATE_SLICES,
    "one slice a position, and no copies of it",
    "A copy changes nothing, but is a sign of a bad export.",
    action="warn",
)
INTERLEAVED = GateRule(
    Code.MIXED_SERIES,
    "one acquisition and one reconstruction from end to end",
    "Two kernels or phases half a step apart look like one even stack. Where TemporalPosition, AcquisitionNumber, "
    "ConvolutionKernel, KVP, SliceThickness, FilterType, ReconstructionDiameter, ContrastBolusAgent, TriggerTime, "
    "AcquisitionTime or ImageType alternate along the stack, it is split; where each part is even by itself, the one "
    "with most slices is read (then that of the first slice, by position), with a warning; otherwise refused. Where "
    "voxels alternate, whatever those say, it is split by any element that does, or by blocks of numbers (times, "
    "instance numbers) that do; where none does it is refused. Voxels alternate where, in a run of {run}, slices two "
    "to four apart are nearer to each other than {nearer_below} what neighbours are (1.3 to 1.7 times in the scans at "
    "hand, 1 in nothing but noise), where every other slice's soft tissue is brighter by {tissue_alternates_by}, or "
    "where every other slice is a copy. A run is looked at where three slices come nearer than {looked_at_below} or "
    "raise another doubt; two places are looked at, one in a zip or of compressed pixels.",
    {
        "nearer_below": Limit(0.9, "times"),
        "looked_at_below": Limit(1.3, "times"),
        "run": Limit(9, "slices"),
        "neighbours_differ_by": Limit(2, "HU"),
        "tissue_alternates_by": Limit(8, "HU"),
    },
)
INTERLEAVED_CHOSEN = GateRule(
    Code.MIXED_SERIES, "one stack in the series", "The reader must know which stack was scored.", action="warn"
)
STEADY_RECONSTRUCTION = GateRule(
    Code.MIXED_SERIES,
    "the same ConvolutionKernel and KVP in all slices",
    "Texture and values change where they do; the geometry holds.",
    action="warn",
)
NO_GAPS = GateRule(
    Code.MISSING_SLICES,
    "no steps of two or more slice distances",
    "Averaging over a gap stretches the whole scan (2.0 to 2.375 mm in other readers). A step is a gap where it is "
    "within a tenth of a whole number of typical steps. When allowed, slices keep their places and a nodule whose "
    "patch touches a gap is refused.",
    {"within": Limit(0.1, "steps")},
    may_be_allowed=True,
)
CONTIGUOUS = GateRule(
    Code.MISSING_SLICES,
    "contiguous slices, at most {at_most} apart",
    "Where every other slice was lost, positions stay even; only the thickness tells. A distance of 1.5 thicknesses "
    "leaves a third of the lung unseen.",
    {"at_most": Limit(1.5, "thicknesses")},
    action="warn",
)
EVEN_SPACING = GateRule(
    Code.NONUNIFORM_SPACING,
    "slices at equal distances",
    "Positions rounded to one decimal wander by up to 0.1 mm; such slices are sampled where they are. When allowed, "
    "all are.",
    {"within": Limit(0.1, "mm"), "sampled_as_even_within": Limit(0.01, "mm")},
    may_be_allowed=True,
)
UPRIGHT = GateRule(
    Code.TILTED,
    "a stack at right angles to its slices within {within} (no gantry tilt)",
    "0.1 degrees is 0.5 mm over a chest; cosines of three decimals err by 0.06 degrees. The true sheared affine is "
    "kept below the limit and, when allowed, above it.",
    {"within": Limit(0.1, "degrees")},
    may_be_allowed=True,
)
COMPLETE_FILES = GateRule(
    Code.TRUNCATED,
    "files as long as their headers say, and pixels that decode",
    "Other readers fill the missing rows with air or leave the slice out. Seen at opening where a file is short; seen "
    "at decoding otherwise: JPEG lossless must account for every bit (without restart markers), run lengths for every "
    "pixel, and the size of a compressed image must be the header's. A zip's members are compared with their "
    "checksums where their pixels are read, or where they decide the grid. Not seen: changed bytes inside the data "
    "of JPEG 2000, which holds no checksum, or that leave a stream as long as before.",
)
SOUND_HEADERS = GateRule(
    Code.UNREADABLE,
    "headers that make sense, with no element twice",
    "Of two positions in one header, readers take the first or the last.",
)
DAMAGED_OTHERS = GateRule(
    Code.NOT_CT,
    "whole files beside the scan",
    "A report that is cut short says nothing of the slices. Told by SOP class, modality, or the series asked for.",
    action="set aside",
)
EXACT_PIXELS = GateRule(
    Code.INCONSISTENT_SLICES,
    "pixel data no longer than rows and columns say, by less than {less_than}",
    "What is left is a row or a column where Rows or Columns are wrong, which shears the image. Rows and Columns that "
    "are swapped leave nothing, and are not seen.",
    {"less_than": Limit(1, "row or column")},
)
PADDED_PIXELS = GateRule(
    Code.INCONSISTENT_SLICES,
    "pixel data with no more padding than {at_most}",
    "PS3.5 evens the length with one byte; more is a writer's fault that costs nothing.",
    {"at_most": Limit(1, "byte")},
    action="warn",
)

# In the order of the page, and none can be forgotten.
SERIES_RULES: tuple[GateRule, ...] = (
    *PLACE_RULES,
    *(rule for rule in list(globals().values()) if isinstance(rule, GateRule)),
    *VALUE_RULES,
)
