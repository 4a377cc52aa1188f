"""Every element of an SR, SEG and RTSTRUCT missing, empty or of another kind: read, or refused in our own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from nodulus.pipeline.nodules import dicom_fields
from nodulus.pipeline.nodules.dicom_fields import (
    all_numbers,
    items,
    needed_items,
    needed_uid,
    number,
    numbers,
    text,
    uid,
    whole,
)
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.transforms.problems import NodulusError, UsageError
from tests.support.nodule_files import SEGMENTATIONS, write_nodule_file

# (VR, value); None takes the element out.
VARIANTS = [
    None,
    ("LO", ""),
    ("LO", "x"),
    ("SQ", []),
    ("SQ", [Dataset()]),
    ("OB", b"\1\2\3\4"),
    ("DS", ["1e300", "-1e300", "0"]),
    ("FD", [float("nan")] * 6),
    ("UL", 4_000_000_000),
    ("IS", "-1"),
]
PIXELS = {
    *("BitsAllocated", "BitsStored", "HighBit", "PhotometricInterpretation", "PixelData", "PixelRepresentation"),
    "SamplesPerPixel",
}
SPACING = "PixelSpacing"
# Words of pydicom, numpy and Python, which say nothing to who wrote the file.
RAW_WORDS = re.compile(
    r"object has no attribute|object is not|unsupported operand|could not convert|invalid literal|out of range|"
    r"not enough values|must be|unexpected|argument|array|ndarray|shape|dtype|broadcast|NoneType|Traceback|<class|"
    r"\bitem\b|\bbuffer\b|\bpydicom|\bnumpy|Error\b|\bDataset\b|force=True|Unable to|Cannot|can't|codec"
)


def asked_for(path: Path) -> set[str]:
    """Return the keywords that reading an object asks for, and those that its pixels are unpacked by."""
    asked = set(PIXELS)
    with pytest.MonkeyPatch.context() as patch:
        value_of = dicom_fields._value

        def noted(dataset: Dataset, keyword: str) -> object:
            asked.add(keyword)
            return value_of(dataset, keyword)

        patch.setattr(dicom_fields, "_value", noted)
        read_nodules(path)
    return asked


def places(dataset: Dataset, asked: set[str], above: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield where each element stands, as tags from the top down; of a sequence's items the first."""
    for element in dataset:
        if element.keyword in asked:
            yield (*above, int(element.tag))
        if element.VR == "SQ" and len(element.value):
            yield from places(element.value[0], asked, (*above, int(element.tag)))


def put(dataset: Dataset, place: tuple[int, ...], variant: tuple[str, object] | None) -> None:
    for tag in place[:-1]:
        dataset = dataset[tag].value[0]
    if variant is None:
        del dataset[place[-1]]
    else:
        dataset[place[-1]] = DataElement(place[-1], *variant)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, on the values that are written on purpose
@pytest.mark.parametrize("kind", ["SR", "RTSTRUCT", *SEGMENTATIONS])
def test_an_element_of_any_kind_is_read_or_refused_in_our_words(kind: str, tmp_path: Path) -> None:
    path = write_nodule_file(kind, tmp_path)
    content = path.read_bytes()
    broken = tmp_path / "broken.dcm"
    n_refused = 0
    for place in places(dcmread(path), asked_for(path)):
        for variant in VARIANTS:
            path.write_bytes(content)
            dataset = dcmread(path)
            put(dataset, place, variant)
            dataset.save_as(broken)
            said = outcome(broken)
            n_refused += bool(said)
            assert not RAW_WORDS.search(said), (place, variant, said)
    assert n_refused >= 10


def outcome(path: Path) -> str:
    """Return what reading says: the notes, or the one line that refuses."""
    try:
        return " ".join(read_nodules(path).notes)
    except NodulusError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::UserWarning")  # as above
@pytest.mark.parametrize(
    ("read", "variant", "message"),
    [
        (
            lambda ds: numbers(ds, SPACING, 2),
            None,
            "expected PixelSpacing of two numbers, got none",
        ),
        (lambda ds: numbers(ds, SPACING, 2), ("DS", "1"), "of two numbers, got 1"),
        (
            lambda ds: numbers(ds, SPACING, 2),
            ("LO", "x"),
            "finite numbers in PixelSpacing, got 'x'",
        ),
        (
            lambda ds: numbers(ds, SPACING, 2),
            ("FD", [1, float("inf")]),
            "finite numbers .* got 'inf'",
        ),
        (
            lambda ds: numbers(ds, SPACING, 2),
            ("SQ", [Dataset()]),
            "finite numbers .* got a sequence",
        ),
        (lambda ds: number(ds, SPACING), ("DS", ["1", "2"]), "PixelSpacing of a number, got 2"),
        (
            lambda ds: all_numbers(ds, SPACING, 1),
            ("DS", ["1", "2"]),
            "at most 1 numbers in .* got 2",
        ),
        (lambda ds: whole(ds, SPACING), None, "expected PixelSpacing of a whole number, got none"),
        (lambda ds: whole(ds, SPACING, 1), ("DS", "1.5"), "of a whole number, got '1.5'"),
        (lambda ds: whole(ds, SPACING), ("IS", ["1", "2"]), "of a whole number, got 2 values"),
        (lambda ds: whole(ds, SPACING), ("OB", b"12"), "of a whole number, got 2 bytes"),
        (lambda ds: text(ds, SPACING), ("SQ", [Dataset()]), "PixelSpacing as text, got a sequence"),
        (lambda ds: needed_uid(ds, SPACING), ("UI", ""), "expected PixelSpacing, got none"),
        (lambda ds: items(ds, SPACING), ("LO", "x"), "PixelSpacing as a sequence, got 'x'"),
        (lambda ds: needed_items(ds, SPACING), ("SQ", []), "expected PixelSpacing, got none"),
    ],
)
def test_what_is_missing_or_malformed_is_told_in_our_words(
    read: Callable[[Dataset], object], variant: tuple[str, object] | None, message: str
) -> None:
    dataset = Dataset()
    if variant is not None:
        dataset[0x00280030] = DataElement(0x00280030, *variant)
    with pytest.raises(UsageError, match=message):
        read(dataset)


def test_what_pydicom_cannot_parse_is_damaged() -> None:
    dataset = Dataset()
    # It parses when it is asked: numbers of eight bytes each, in seven.
    dataset[0x00280030] = RawDataElement(Tag(0x00280030), "FD", 7, b"1234567", 0, False, True)
    with pytest.raises(UsageError, match="expected a readable PixelSpacing, got a damaged one"):
        all_numbers(dataset, SPACING)


def test_text_comes_as_it_is_written() -> None:
    dataset = Dataset()
    dataset.ROIName, dataset.SOPClassUID = "GTV\\1 ", "1.2.3"
    assert text(dataset, "ROIName") == "GTV\\1"
    assert text(dataset, "SegmentLabel") == ""
    assert uid(dataset, "SOPClassUID") == "1.2.3"
    assert uid(dataset, "SOPInstanceUID") is None
