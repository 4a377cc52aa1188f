"""What an image file (NIfTI, MetaImage, NRRD) must fulfil beyond the rules it shares with DICOM series, and why."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .place_rules import INFLATES_FAIRLY, READABLE
from .rule import GateRule, Limit
from .series_rules import UPRIGHT
from .value_rules import BODY_MEDIAN, HAS_AIR, HAS_TISSUE, HU_RANGE, LITTLE_BELOW_AIR, LUNG, NOT_TOO_THICK, THIN

KNOWN_FORMAT = GateRule(
    Code.UNREADABLE,
    "a NIfTI-1 or NIfTI-2 image in one file, a MetaImage or an NRRD image; voxels binary, raw or gzip",
    "Content decides, not the name.",
)
SOUND_HEADER = GateRule(
    Code.UNREADABLE,
    "a header whose fields can be read, agree with each other and say where the voxels start",
    "Other readers repair or skip what they do not understand; a wrong start or type moves or scrambles the voxels.",
    {"text_at_most": Limit(64, "KiB")},
)
ONE_ACCOUNT = GateRule(
    Code.UNREADABLE,
    "each header field once (MetaImage, NRRD)",
    "Of two sizes readers take the first or the last.",
)
DATA_FILE_BESIDE = GateRule(
    Code.UNREADABLE,
    "one data file beside the header",
    "A header from outside must not open files elsewhere on the machine; lists and patterns of files are not read.",
)
WHOLE_FILE = GateRule(
    Code.TRUNCATED,
    "as many bytes as the header says",
    "Other readers fill the rest with zeros or see it only where they read.",
)
NOTHING_LEFT_OVER = GateRule(
    Code.UNREADABLE,
    "no more bytes than the header says",
    "Bytes left over mean a wrong start, size or type: the voxels would stand elsewhere.",
)
SOUND_COMPRESSION = GateRule(
    Code.UNREADABLE,
    "sound compressed data, by their checksum",
    "Other readers see damage only where they read, or not at all.",
)
FEW_VOXELS = GateRule(
    Code.UNREADABLE,
    "at most {at_most} along each axis",
    "Scanners give at most 2048 pixels a row, and the longest chest series seen hold 3000 slices; memory is taken for "
    "what the header says.",
    {"at_most": Limit(4096, "voxels")},
)
THREE_AXES = GateRule(
    Code.TOO_FEW_SLICES, "three axes", "One picture is no volume; which of more axes are those of space, none can tell."
)
ONE_VOLUME = GateRule(
    Code.MIXED_SERIES,
    "one volume (further axes of length 1 are let pass)",
    "Which of several time points or energies is meant is the user's to say.",
)
ONE_NUMBER_A_VOXEL = GateRule(
    Code.NOT_HOUNSFIELD,
    "one finite integer or real number a voxel, with a finite slope and intercept",
    "Colours, vectors and NaN are no Hounsfield units.",
)
HAS_GEOMETRY = GateRule(
    Code.NO_GEOMETRY,
    "origin, axes and spacing that are stated, finite and in a known frame: NIfTI qform or sform; MetaImage Offset, "
    "TransformMatrix and ElementSpacing; NRRD space (LPS, RAS, LAS), directions and origin",
    "Readers put 1 mm voxels at the origin instead: it looks like a scan, and every nodule is elsewhere.",
)
POSITION = GateRule(
    Code.NO_GEOMETRY,
    "a first voxel within {within} of the origin",
    "Scanners count from the table or the isocentre, centimetres to metres away.",
    {"within": Limit(100, "m")},
)
SPACING = GateRule(
    Code.NO_GEOMETRY,
    "a spacing of at least {at_least}",
    "No chest CT is finer; smaller numbers are metres or centimetres without their unit.",
    {"at_least": Limit(0.05, "mm")},
)
UNIT_AXES = GateRule(
    Code.NO_GEOMETRY,
    "axes of length 1 in a MetaImage TransformMatrix",
    "Their lengths would scale the ElementSpacing. Cosines are written with three decimals or more.",
    {"within": Limit(0.002, "(unit vectors)")},
)
AXES_SPAN_SPACE = GateRule(
    Code.NO_GEOMETRY,
    "three independent axes: a unit cell with a volume of at least {at_least}",
    "Below it (a tilt of 84 degrees) the affine is singular for all that matters.",
    {"at_least": Limit(0.1, "(unit vectors)")},
)
ACCOUNTS_AGREE = GateRule(
    Code.CONFLICTING_GEOMETRY,
    "NIfTI sform, qform and pixdim that place the corners of the scan alike within {within}",
    "Readers differ in which one they follow. A float32 quaternion is off by up to 0.1 mm at a corner; half a voxel of "
    "the network is 0.5 mm. The sform is used.",
    {"within": Limit(0.5, "mm")},
)
KNOWN_UNIT = GateRule(
    Code.NO_GEOMETRY,
    "lengths in mm; in NIfTI also in metres or microns",
    "NIfTI's other units are converted, as ITK does and nibabel does not. Those of MetaImage and NRRD are free text.",
)
LENGTH_UNIT = GateRule(
    Code.UNKNOWN_UNITS,
    "a unit of length (NIfTI)",
    "No unit is read as mm, which is what its writers mean.",
    action="warn",
)
ENOUGH_VOXELS = GateRule(
    Code.TOO_FEW_SLICES,
    "at least {at_least} along each axis",
    "One or two slices are a localizer or a screenshot. A header states its spacing, so that a nodule's crop can be "
    "read: the training collection holds crops of one slice.",
    {"at_least": Limit(3, "voxels")},
    may_be_allowed=True,
)
IMAGE_RULES: tuple[GateRule, ...] = (
    READABLE,
    KNOWN_FORMAT,
    SOUND_HEADER,
    ONE_ACCOUNT,
    DATA_FILE_BESIDE,
    WHOLE_FILE,
    NOTHING_LEFT_OVER,
    SOUND_COMPRESSION,
    INFLATES_FAIRLY,
    FEW_VOXELS,
    THREE_AXES,
    ONE_VOLUME,
    ONE_NUMBER_A_VOXEL,
    HAS_GEOMETRY,
    POSITION,
    SPACING,
    UNIT_AXES,
    AXES_SPAN_SPACE,
    ACCOUNTS_AGREE,
    KNOWN_UNIT,
    LENGTH_UNIT,
    NOT_TOO_THICK,
    THIN,
    UPRIGHT,
    ENOUGH_VOXELS,
    HU_RANGE,
    HAS_AIR,
    HAS_TISSUE,
    LITTLE_BELOW_AIR,
    BODY_MEDIAN,
    LUNG,
)
