"""What the header of one CT slice says, in numbers; nothing in it tells who the patient is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nodulus.transforms.sources.byte_sources import ByteSource

from .elements import Elements, read_elements
from .values import ElementReader, Numbers

CT_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
MULTI_FRAME_CLASSES = CT_CLASSES - {"1.2.840.10008.5.1.4.1.1.2"}
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

_MAX_FRAMES = 20000


@dataclass(frozen=True)
class PixelLayout:
    """How the stored numbers of a slice lie in its file."""

    transfer_syntax: str
    is_little_endian: bool
    offset: int
    length: int
    rows: int
    columns: int
    stream_size: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    samples: int = 1
    n_frames: int = 1
    padding: tuple[int, int] | None = None
    has_overlay: bool = False
    offset_table: bytes = b""


@dataclass(frozen=True)
class SliceHeader:
    """One slice: a file, or a frame of one. None where the header is silent or holds no number."""

    source: ByteSource
    name: str
    frame: int
    sop_class: str
    modality: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    image_type: tuple[str, ...]
    position_lps_mm: Numbers | None
    orientation_lps: Numbers | None
    spacing_rows_columns_mm: Numbers | None
    thickness_mm: float | None
    location_mm: float | None
    instance_number: float | None
    stack_numbers: tuple[str, ...]
    slope: float | None
    intercept: float | None
    rescale_type: str
    lossy: str
    pixels: PixelLayout
    kvp: float | None
    attributes: tuple[tuple[str, str], ...]
    traits: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        """The slice as messages name it: file name @ position."""
        if self.position_lps_mm is None:
            return self.name
        return f"{self.name} @ ({', '.join(f'{value:g}' for value in self.position_lps_mm)}) mm"


_SOP_CLASS, _MODALITY, _IMAGE_TYPE = 0x00080016, 0x00080060, 0x00080008
_SERIES, _STUDY, _FRAME_OF_REFERENCE = 0x0020000E, 0x0020000D, 0x00200052
_POSITION, _ORIENTATION, _SPACING = 0x00200032, 0x00200037, 0x00280030
_THICKNESS, _LOCATION, _INSTANCE = 0x00180050, 0x00201041, 0x00200013
_KVP = 0x00180060
_SLOPE, _INTERCEPT, _RESCALE_TYPE = 0x00281053, 0x00281052, 0x00281054
_LOSSY, _N_FRAMES = 0x00282110, 0x00280008
_SAMPLES, _ROWS, _COLUMNS = 0x00280002, 0x00280010, 0x00280011
_ALLOCATED, _STORED, _HIGH_BIT, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
# What tells stacks at the same positions apart: temporal position, acquisition, trigger time, acquisition time.
_STACK_NUMBERS = (0x00200100, 0x00200012, 0x00181060, 0x00080032)
_ATTRIBUTES = {
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "convolution_kernel": 0x00181210,
}
# What all slices of one reconstruction share, or have in runs.
_TRAITS = {
    "TemporalPositionIdentifier": 0x00200100,
    "AcquisitionNumber": 0x00200012,
    "ConvolutionKernel": 0x00181210,
    "KVP": _KVP,
    "SliceThickness": _THICKNESS,
    "FilterType": 0x00181160,
    "ReconstructionDiameter": 0x00181100,
}
_OFFSET_TABLE = 0x7FE00001
_WANTED = frozenset(
    {_SOP_CLASS, _MODALITY, _IMAGE_TYPE, _SERIES, _STUDY, _FRAME_OF_REFERENCE, _POSITION, _ORIENTATION, _SPACING}
    | {_THICKNESS, _LOCATION, _INSTANCE, _SLOPE, _INTERCEPT, _RESCALE_TYPE, _LOSSY, _N_FRAMES, _SAMPLES, _ROWS}
    | {_COLUMNS, _ALLOCATED, _STORED, _HIGH_BIT, _SIGNED, _PADDING, _PADDING_LIMIT}
    | {_KVP, _OFFSET_TABLE, *_STACK_NUMBERS, *_ATTRIBUTES.values(), *_TRAITS.values()}
)


def read_slice_header(source: ByteSource) -> SliceHeader:
    """Return the header of a file; DicomError where it has none, OSError where it cannot be read."""
    return _header_from(source, read_elements(source, _WANTED))


def _header_from(source: ByteSource, found: Elements) -> SliceHeader:
    read = ElementReader(found.values, found.is_little_endian)
    return SliceHeader(
        source=source,
        name=source.name,
        frame=0,
        sop_class=read.text(_SOP_CLASS) or read.text(0x00020002),
        modality=read.text(_MODALITY),
        series_uid=read.text(_SERIES),
        study_uid=read.text(_STUDY),
        frame_of_reference_uid=read.text(_FRAME_OF_REFERENCE),
        image_type=tuple(read.text(_IMAGE_TYPE).upper().split("\\")),
        position_lps_mm=read.numbers(_POSITION, 3),
        orientation_lps=read.numbers(_ORIENTATION, 6),
        spacing_rows_columns_mm=read.numbers(_SPACING, 2),
        thickness_mm=read.number(_THICKNESS),
        location_mm=read.number(_LOCATION),
        instance_number=read.number(_INSTANCE),
        stack_numbers=tuple(read.text(tag) for tag in _STACK_NUMBERS),
        slope=read.number(_SLOPE),
        intercept=read.number(_INTERCEPT),
        rescale_type=read.text(_RESCALE_TYPE).upper(),
        lossy=read.text(_LOSSY),
        pixels=_layout_from(found, read),
        kvp=read.number(_KVP),
        attributes=tuple((key, read.text(tag)) for key, tag in _ATTRIBUTES.items() if read.text(tag)),
        traits=tuple((name, read.text(tag)) for name, tag in _TRAITS.items()),
    )


def _layout_from(found: Elements, read: ElementReader) -> PixelLayout:
    stored = read.whole(_STORED)
    return PixelLayout(
        transfer_syntax=found.transfer_syntax,
        is_little_endian=found.is_little_endian,
        offset=found.pixel_offset,
        length=found.pixel_length,
        rows=read.whole(_ROWS),
        columns=read.whole(_COLUMNS),
        stream_size=found.stream_size,
        bits_allocated=read.whole(_ALLOCATED),
        bits_stored=stored,
        high_bit=read.whole(_HIGH_BIT, stored - 1),
        is_signed=read.whole(_SIGNED) == 1,
        samples=read.whole(_SAMPLES, 1),
        n_frames=_frame_count(read.number(_N_FRAMES)),
        padding=_padding_from(read),
        has_overlay=found.has_overlay,
        offset_table=found.values.get(_OFFSET_TABLE, b""),
    )


def _frame_count(stated: float | None) -> int:
    """Return the number of frames; 0, which the gate refuses, where what is stated is no count."""
    is_count = stated is None or (0 <= stated <= _MAX_FRAMES and stated == int(stated))
    return int(stated or 1) if is_count else 0


def _padding_from(read: ElementReader) -> tuple[int, int] | None:
    """Return the range of stored numbers that are padding, as unsigned bits of two bytes; None without one."""
    first = read.whole(_PADDING, -1)
    return None if first < 0 else (first, read.whole(_PADDING_LIMIT, first))


def size_of(one: SliceHeader) -> str:
    """Return rows and columns in words."""
    return f"{one.pixels.rows} rows and {one.pixels.columns} columns"


def shown_numbers(numbers: Sequence[float] | None) -> str:
    """Return numbers as a header writes them."""
    return "none" if numbers is None else "\\".join(f"{value:g}" for value in numbers)
