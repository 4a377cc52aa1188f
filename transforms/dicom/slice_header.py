"""What the header of one CT slice says, in numbers; nothing in it tells who the patient is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nodulus.transforms.sources.byte_sources import ByteSource

from . import tags
from .elements import Elements, read_elements
from .values import ElementReader, Numbers

_MAX_FRAMES = 20000


@dataclass(frozen=True)
class PixelLayout:
    """How the stored numbers of a slice lie in its file.

    Args:
        transfer_syntax: the UID that says whether and how they are compressed.
        is_little_endian: the order of the bytes of a number, where they are not compressed.
        offset: where the value of PixelData starts in the header's source; 0 where there is none.
        length: of that value in bytes; UNDEFINED where it is compressed.
        rows: of a frame.
        columns: of a frame.
        stream_size: bytes in the header's source.
        bits_allocated: bits that a number takes.
        bits_stored: bits that it uses.
        high_bit: the highest of these, counted from 0.
        is_signed: whether they are two's complement.
        samples: numbers a pixel; a CT has one.
        n_frames: frames of the file; 0 where what it states is no count.
        padding: first and last stored number that is padding, as unsigned bits; None where there is no padding.
        has_overlay: whether an overlay may stand in the bits that are not stored.
        offset_table: the extended offset table of compressed frames; empty where there is none.
    """

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
    """One slice: a file, or a frame of one. None, or an empty text, where the header is silent.

    Numbers are NaN where what the header holds is none.

    Args:
        source: the bytes that the pixels stand in: the file, or the dataset that a deflated file inflates to.
        name: of the file, and of the frame where there are several.
        frame: index of the frame in its file, from 0.
        sop_class: the UID of the kind of object.
        sop_instance: the UID of the file's object.
        modality: CT, MR, ...
        series_uid: SeriesInstanceUID.
        study_uid: StudyInstanceUID.
        frame_of_reference_uid: what positions are relative to; equal UIDs share one space.
        image_type: the words of ImageType, in capitals (of the frame, where it has its own).
        position_lps_mm: the centre of the first voxel.
        orientation_lps: direction cosines along a row, then down a column.
        spacing_rows_columns_mm: distance between rows, then between columns.
        thickness_mm: SliceThickness.
        location_mm: SliceLocation, which no geometry is built on.
        instance_number: InstanceNumber, in the order of which slices were stored.
        stack_numbers: what tells stacks at the same positions apart, by keyword: time points, acquisitions, ...
        slope: Hounsfield units a stored unit.
        intercept: Hounsfield units of stored zero.
        rescale_type: the unit that slope and intercept lead to, in capitals.
        lossy: LossyImageCompression: 01 where there was loss, 00 where there never was.
        pixels: where and how the stored numbers lie.
        kvp: peak kilovoltage of the tube.
        attributes: what results state of the scanner: manufacturer, model and kernel, where the header names them.
        traits: what all slices of one reconstruction share, or have in runs, by keyword.
    """

    source: ByteSource
    name: str
    frame: int
    sop_class: str
    sop_instance: str
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
    stack_numbers: Mapping[str, str]
    slope: float | None
    intercept: float | None
    rescale_type: str
    lossy: str
    pixels: PixelLayout
    kvp: float | None
    attributes: Mapping[str, str]
    traits: Mapping[str, str]

    @property
    def place(self) -> str:
        """The slice as messages name it: file name @ position."""
        if self.position_lps_mm is None:
            return self.name
        return f"{self.name} @ ({', '.join(f'{value:g}' for value in self.position_lps_mm)}) mm"


# In the order in which they are tried.
_STACK_NUMBERS = {
    "TemporalPositionIdentifier": tags.TEMPORAL_POSITION_IDENTIFIER,
    "AcquisitionNumber": tags.ACQUISITION_NUMBER,
    "TriggerTime": tags.TRIGGER_TIME,
    "AcquisitionTime": tags.ACQUISITION_TIME,
}
_TRAITS = {
    "TemporalPositionIdentifier": tags.TEMPORAL_POSITION_IDENTIFIER,
    "AcquisitionNumber": tags.ACQUISITION_NUMBER,
    "ConvolutionKernel": tags.CONVOLUTION_KERNEL,
    "KVP": tags.KVP,
    "SliceThickness": tags.SLICE_THICKNESS,
    "FilterType": tags.FILTER_TYPE,
    "ReconstructionDiameter": tags.RECONSTRUCTION_DIAMETER,
    "ContrastBolusAgent": tags.CONTRAST_BOLUS_AGENT,
    "TriggerTime": tags.TRIGGER_TIME,
    "AcquisitionTime": tags.ACQUISITION_TIME,
    "ImageType": tags.IMAGE_TYPE,
}
_ATTRIBUTES = {
    "manufacturer": tags.MANUFACTURER,
    "model": tags.MANUFACTURER_MODEL_NAME,
    "convolution_kernel": tags.CONVOLUTION_KERNEL,
}
_WANTED = frozenset(
    {tags.IMAGE_TYPE, tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID, tags.MODALITY}
    | {tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID}
    | {tags.INSTANCE_NUMBER, tags.IMAGE_POSITION_PATIENT, tags.IMAGE_ORIENTATION_PATIENT, tags.FRAME_OF_REFERENCE_UID}
    | {tags.SLICE_LOCATION, tags.SAMPLES_PER_PIXEL, tags.NUMBER_OF_FRAMES, tags.ROWS, tags.COLUMNS, tags.PIXEL_SPACING}
    | {tags.BITS_ALLOCATED, tags.BITS_STORED, tags.HIGH_BIT, tags.PIXEL_REPRESENTATION, tags.PIXEL_PADDING_VALUE}
    | {tags.PIXEL_PADDING_RANGE_LIMIT, tags.RESCALE_INTERCEPT, tags.RESCALE_SLOPE, tags.RESCALE_TYPE}
    | {tags.LOSSY_IMAGE_COMPRESSION, tags.EXTENDED_OFFSET_TABLE}
    | {*_STACK_NUMBERS.values(), *_TRAITS.values(), *_ATTRIBUTES.values()}
)


def read_slice_header(source: ByteSource) -> SliceHeader:
    """Return the header of a file; DicomError where it has none, OSError where it cannot be read."""
    return _header_from(read_elements(source, _WANTED))


def _header_from(found: Elements) -> SliceHeader:
    read = ElementReader(found.values, found.is_little_endian)
    return SliceHeader(
        source=found.source,
        name=found.source.name,
        frame=0,
        sop_class=read.text(tags.SOP_CLASS_UID) or read.text(tags.MEDIA_STORAGE_SOP_CLASS_UID),
        sop_instance=read.text(tags.SOP_INSTANCE_UID) or read.text(tags.MEDIA_STORAGE_SOP_INSTANCE_UID),
        modality=read.text(tags.MODALITY),
        series_uid=read.text(tags.SERIES_INSTANCE_UID),
        study_uid=read.text(tags.STUDY_INSTANCE_UID),
        frame_of_reference_uid=read.text(tags.FRAME_OF_REFERENCE_UID),
        image_type=tuple(read.text(tags.IMAGE_TYPE).upper().split("\\")),
        position_lps_mm=read.numbers(tags.IMAGE_POSITION_PATIENT, 3),
        orientation_lps=read.numbers(tags.IMAGE_ORIENTATION_PATIENT, 6),
        spacing_rows_columns_mm=read.numbers(tags.PIXEL_SPACING, 2),
        thickness_mm=read.number(tags.SLICE_THICKNESS),
        location_mm=read.number(tags.SLICE_LOCATION),
        instance_number=read.number(tags.INSTANCE_NUMBER),
        stack_numbers={keyword: read.text(tag) for keyword, tag in _STACK_NUMBERS.items()},
        slope=read.number(tags.RESCALE_SLOPE),
        intercept=read.number(tags.RESCALE_INTERCEPT),
        rescale_type=read.text(tags.RESCALE_TYPE).upper(),
        lossy=read.text(tags.LOSSY_IMAGE_COMPRESSION),
        pixels=_layout_from(found, read),
        kvp=read.number(tags.KVP),
        attributes={key: text for key, tag in _ATTRIBUTES.items() if (text := read.text(tag))},
        traits={keyword: read.text(tag) for keyword, tag in _TRAITS.items()},
    )


def _layout_from(found: Elements, read: ElementReader) -> PixelLayout:
    stored = read.whole(tags.BITS_STORED)
    return PixelLayout(
        transfer_syntax=found.transfer_syntax,
        is_little_endian=found.is_little_endian,
        offset=found.pixel_offset,
        length=found.pixel_length,
        rows=read.whole(tags.ROWS),
        columns=read.whole(tags.COLUMNS),
        stream_size=found.source.size,
        bits_allocated=read.whole(tags.BITS_ALLOCATED),
        bits_stored=stored,
        high_bit=read.whole(tags.HIGH_BIT, stored - 1),
        is_signed=read.whole(tags.PIXEL_REPRESENTATION) == 1,
        samples=read.whole(tags.SAMPLES_PER_PIXEL, 1),
        n_frames=_frame_count(read.number(tags.NUMBER_OF_FRAMES)),
        padding=_padding_from(read),
        has_overlay=found.has_overlay,
        offset_table=found.values.get(tags.EXTENDED_OFFSET_TABLE, b""),
    )


def _frame_count(stated: float | None) -> int:
    """Return the number of frames; 0, which the gate refuses, where what is stated is no count."""
    is_count = stated is None or (0 <= stated <= _MAX_FRAMES and stated == int(stated))
    return int(stated or 1) if is_count else 0


def _padding_from(read: ElementReader) -> tuple[int, int] | None:
    """Return the range of stored numbers that are padding, as unsigned bits of two bytes; None without one."""
    first = read.whole(tags.PIXEL_PADDING_VALUE, -1)
    return None if first < 0 else (first, read.whole(tags.PIXEL_PADDING_RANGE_LIMIT, first))


def size_of(header: SliceHeader) -> str:
    """Return rows and columns in words."""
    return f"{header.pixels.rows} rows and {header.pixels.columns} columns"


def shown_numbers(numbers: Sequence[float] | None) -> str:
    """Return numbers as a header writes them."""
    return "none" if numbers is None else "\\".join(f"{value:g}" for value in numbers)
