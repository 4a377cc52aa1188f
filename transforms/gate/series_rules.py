"""The rules of the series gate: what is expected of a scan, how exactly, and why."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .rule import GateRule

READABLE = GateRule(Code.UNREADABLE, "at least one readable image", "Nothing can be said of an empty place.")
FOLDER_FILES = GateRule(
    Code.UNREADABLE,
    "a bounded number of files in a folder",
    "More is no study but a disk; the longest chest series seen hold 3000 slices.",
    20000,
    "files",
)
FOLDER_DEPTH = GateRule(
    Code.UNREADABLE,
    "folders in folders to a bounded depth",
    "Patient, study, series and what an export adds are ten at most.",
    32,
    "folders",
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
    "Series are never mixed. In one frame of reference a position means the same place in all of them, so one is read "
    "and the choice is warned of: ORIGINAL\\PRIMARY\\AXIAL before derived, then most slices, then the thinner, then "
    "the smaller UID. In different frames, name one with series_uid. Series do not count that are localizers or "
    "projections, have no rescale to HU, slices above 5 mm, or fewer than three positions.",
    may_be_allowed=True,
)
SERIES_CHOSEN = GateRule(
    Code.MIXED_SERIES, "one series in one place", "The reader must know which series was scored.", action="warn"
)
ALL_SCOUTS = GateRule(
    Code.LOCALIZER, "a series that is more than localizers", "A scout is a projection, and so are several in parallel."
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
    "different images at one place are refused unless acquisition or temporal numbers separate them into stacks of "
    "three or more slices at largely the same positions.",
    0.02,
    "mm",
)
DUPLICATES_DROPPED = GateRule(
    Code.DUPLICATE_SLICES,
    "no copies of a slice",
    "A copy changes nothing, but is a sign of a bad export.",
    action="warn",
)
INTERLEAVED = GateRule(
    Code.MIXED_SERIES,
    "one acquisition and one reconstruction from end to end",
    "Two kernels or phases half a step apart look like one even stack. Where TemporalPosition, AcquisitionNumber, "
    "ConvolutionKernel, KVP, SliceThickness, FilterType or ReconstructionDiameter alternate along the stack, it is "
    "split; where each part is even by itself, the one with most slices is read (then that of the first slice, by "
    "position), with a warning; otherwise refused.",
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
    "at decoding otherwise: JPEG lossless must account for every bit (without restart markers), run lengths for every "
    "pixel, and the size and bits of a compressed image must be the header's. Not seen: changed bytes inside the data "
    "of JPEG 2000, which holds no checksum, or that leave a stream as long as before.",
)
SOUND_HEADERS = GateRule(
    Code.UNREADABLE,
    "headers that make sense, with no element twice",
    "Of two positions in one header, readers take the first or the last.",
)
DAMAGED_OTHERS = GateRule(
    Code.NOT_CT,
    "no damaged files of other kinds or series beside the scan",
    "A report that is cut short says nothing of the slices. Told by SOP class, modality, or the series asked for.",
    action="set aside",
)
EXACT_PIXELS = GateRule(
    Code.INCONSISTENT_SLICES,
    "pixel data as long as rows and columns say",
    "What is left is a row or a column where Rows or Columns are wrong, which shears the image. Rows and Columns that "
    "are swapped leave nothing, and are not seen.",
    1,
    "row or column more",
)
PADDED_PIXELS = GateRule(
    Code.INCONSISTENT_SLICES,
    "pixel data with no more than a byte of padding",
    "PS3.5 evens the length with one byte; more is a writer's fault that costs nothing.",
    1,
    "bytes",
    action="warn",
)
RESCALE = GateRule(
    Code.NOT_HOUNSFIELD,
    "RescaleSlope (above 0, to 100) and RescaleIntercept (within 32768) in every slice, of RescaleType HU if given",
    "Without them stored numbers have no meaning; they may differ between slices.",
)
HAS_AIR = GateRule(
    Code.NOT_HOUNSFIELD,
    "air: a thousandth of the voxels between -1100 HU and this (several slices are looked at)",
    "Any chest shows air, in the lungs or around the body. Padding has no say, nor has the lowest value where it lies "
    "below -1100 HU or fills more than 5 % of the voxels: what surrounds a round field of view is as dark as you like. "
    "A scan that lost its intercept of -1024 shows none, nor does one of half its values.",
    -700,
    "HU at most",
    may_be_allowed=True,
)
HAS_TISSUE = GateRule(
    Code.NOT_HOUNSFIELD,
    "voxels between -200 and 300 HU, a part of at least",
    "Fat, water and muscle lie there in everyone.",
    1,
    "% of the voxels",
    may_be_allowed=True,
)
LITTLE_BELOW_AIR = GateRule(
    Code.NOT_HOUNSFIELD,
    "voxels below -1500 HU, the padding apart, a part of at most",
    "Nothing is thinner than air at -1000 HU; more of it is a wrong slope or intercept.",
    1,
    "% of the voxels",
    may_be_allowed=True,
)
RESCALE_STEADY = GateRule(
    Code.NOT_HOUNSFIELD,
    "values that go on where RescaleSlope or RescaleIntercept changes from slice to slice",
    "Neighbours look alike: where all three quartiles of a slice are off by this, to one side, its rescale is wrong. "
    "A smaller error is not seen.",
    150,
    "HU",
    may_be_allowed=True,
)
BODY_MEDIAN = GateRule(
    Code.NOT_HOUNSFIELD,
    "a median of the body (all above -300 HU) between fat and muscle: around -25 HU",
    "It is -8 to 8 HU in the four real scans at hand; a slope of 1.2 puts it at 190 to 210, of 2 at 1000, of 0.5 at "
    "-230 to -250. A shift of 100 HU is not seen.",
    175,
    "HU",
    may_be_allowed=True,
)
HU_RANGE = GateRule(
    Code.NOT_HOUNSFIELD,
    "values that CT can have (several slices are looked at)",
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
SPARE_BITS = GateRule(
    Code.NOT_HOUNSFIELD,
    "nothing in the bits outside BitsStored but zeros, the sign, padding or an overlay that is declared",
    "They are masked; where they hold part of the pixels, a wrong BitsStored folds all values into a smaller range. "
    "Several slices are looked at.",
)
PROJECTION = GateRule(
    Code.NOT_HOUNSFIELD,
    "no MIP, MinIP or other projection in ImageType",
    "The maximum over a slab is the value of no place.",
    may_be_allowed=True,
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
    "Above 5 mm a small nodule is averaged away; the network was trained on slices of up to 2.5 mm.",
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
