"""Every element of an SR, SEG and RTSTRUCT missing, empty or of another kind: read, or refused in our own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from nodulus.pipeline.nodules import dicom_fields
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.transforms.problems import NodulusError
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
