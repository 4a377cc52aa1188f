"""What an image file (NIfTI, MetaImage, NRRD) must fulfil beyond the rules it shares with DICOM series, and why."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .rule import GateRule
from .series_rules import BODY_MEDIAN, HAS_AIR, HAS_TISSUE, HU_RANGE, LITTLE_BELOW_AIR, NOT_TOO_THICK, THIN, UPRIGHT

KNOWN_FORMAT = GateRule(
    Code.UNREADABLE,
    "content that is NIfTI-1/2 in one file, MetaImage or NRRD; voxels binary, raw or gzip, in a file beside the header",
    "Content decides, not the name. A header from outside must not open files elsewhere on the machine.",
)
WHOLE_FILE = GateRule(
    Code.TRUNCATED,
    "as many bytes as the header says (more are unreadable); compressed data with a sound checksum",
    "Other readers fill the rest with zeros or see it only where they read. Bytes left over mean a wrong start, size "
    "or type: the voxels would stand elsewhere.",
)
INFLATES_FAIRLY = GateRule(
    Code.UNREADABLE,
    "a compression ratio that images reach (looked at above 64 MiB)",
    "CT compresses 2 to 4 times; zeros, 1000 times. A small file must not become an unbounded one.",
    200,
    ": 1",
)
ONE_ACCOUNT = GateRule(
    Code.UNREADABLE,
    "each field of a MetaImage or NRRD header once",
    "Of two sizes readers take the first or the last.",
)
FEW_VOXELS = GateRule(
    Code.UNREADABLE,
    "a bounded number of voxels along each axis",
    "Scanners give at most 2048 pixels a row, and the longest chest series seen hold 3000 slices; memory is taken for "
    "what the header says.",
    4096,
    "voxels",
)
ONE_VOLUME = GateRule(
    Code.MIXED_SERIES,
    "one volume (further axes of length 1 are let pass)",
    "Which of several time points or energies is meant is the user's to say.",
)
ONE_NUMBER_A_VOXEL = GateRule(
    Code.NOT_HOUNSFIELD,
    "one finite integer or real number a voxel",
    "Colours, vectors and NaN are no Hounsfield units.",
)
HAS_GEOMETRY = GateRule(
    Code.NO_GEOMETRY,
    "origin, axes and spacing are stated, finite and in a known frame: NIfTI qform or sform; MetaImage Offset, "
    "TransformMatrix and ElementSpacing; NRRD space (LPS, RAS, LAS), directions and origin",
    "Readers put 1 mm voxels at the origin instead: it looks like a scan, and every nodule is elsewhere.",
)
SPACING = GateRule(
    Code.NO_GEOMETRY,
    "a spacing of human size, at least",
    "No chest CT is finer; smaller numbers are metres or centimetres without their unit.",
    0.05,
    "mm",
)
POSITION = GateRule(
    Code.NO_GEOMETRY,
    "a first voxel at a position of human range",
    "Scanners count from the table or the isocentre, centimetres to metres away.",
    100,
    "m",
)
UNIT_AXES = GateRule(
    Code.NO_GEOMETRY,
    "a MetaImage TransformMatrix of axes of length 1",
    "Their lengths would scale the ElementSpacing. Cosines are written with three decimals or more.",
    0.002,
    "(unit vectors)",
)
AXES_SPAN_SPACE = GateRule(
    Code.NO_GEOMETRY,
    "three independent axes: a unit cell with a volume of at least",
    "Below it (a tilt of 84 degrees) the affine is singular for all that matters.",
    0.1,
    "(unit vectors)",
)
ACCOUNTS_AGREE = GateRule(
    Code.CONFLICTING_GEOMETRY,
    "NIfTI sform, qform and pixdim that place the corners of the scan alike",
    "Readers differ in which one they follow. A float32 quaternion is off by up to 0.1 mm at a corner; half a voxel of "
    "the network is 0.5 mm. The sform is used.",
    0.5,
    "mm",
)
LENGTH_UNIT = GateRule(
    Code.UNKNOWN_UNITS,
    "lengths in mm",
    "NIfTI's metres and microns are converted, as ITK does and nibabel does not; no unit is read as mm, which is what "
    "its writers mean. Other units in MetaImage and NRRD are refused.",
    action="warn",
)
ENOUGH_VOXELS = GateRule(
    Code.TOO_FEW_SLICES,
    "enough voxels along each axis to be a volume",
    "One or two slices are a scout or a screenshot. A header states its spacing, so that a nodule's crop can be read: "
    "the training collection holds crops of one slice.",
    3,
    "voxels",
    may_be_allowed=True,
)
IMAGE_RULES: tuple[GateRule, ...] = (
    KNOWN_FORMAT,
    WHOLE_FILE,
    INFLATES_FAIRLY,
    ONE_ACCOUNT,
    FEW_VOXELS,
    ONE_VOLUME,
    ONE_NUMBER_A_VOXEL,
    HAS_GEOMETRY,
    POSITION,
    SPACING,
    UNIT_AXES,
    AXES_SPAN_SPACE,
    ACCOUNTS_AGREE,
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
)
