"""A slice whose header misstates its values is refused by name; honest headers that differ pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.behaviour.test_series_gate import put
from tests.support.dicom_series_writer import Edit, SeriesSpec, set_stored, write_slices, zip_folder
from tests.support.moving_chest import SPEC, chest_hu, shown

CHEST = replace(SPEC, field_hu=chest_hu)
SIGNED = replace(CHEST, intercepts=(0.0,), is_signed=True)


def bits(stored: int) -> Edit:
    def edit(ds: Dataset) -> None:
        ds.BitsStored, ds.HighBit = stored, stored - 1

    return edit


LIES: dict[str, tuple[SeriesSpec, Edit]] = {
    "slope 2": (CHEST, put("RescaleSlope", "2")),
    "slope 0.5": (CHEST, put("RescaleSlope", "0.5")),
    "slope 1.05": (CHEST, put("RescaleSlope", "1.05")),
    "intercept of nothing": (CHEST, put("RescaleIntercept", "0")),
    "intercept near": (CHEST, put("RescaleIntercept", "-1000")),
    "unsigned": (SIGNED, put("PixelRepresentation", 0)),
    "ten bits": (CHEST, bits(10)),
    "nine signed bits": (SIGNED, bits(9)),
}
WHERE = {"first": [0], "second": [1], "middle": [7], "last": [19], "three": [11, 12, 13], "half": list(range(13, 20))}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", LIES)
def test_a_lie_of_one_slice_or_a_few_is_refused_by_name(tmp_path: Path, name: str, where: str) -> None:
    spec, edit = LIES[name]
    slices = replace(spec, edits=dict.fromkeys(WHERE[where], edit)).slices()
    with pytest.raises(InputRefusedError, match="not_hounsfield") as caught:
        open_ct(write_slices(slices, tmp_path / "series"))
    named = {f"{k:04d}" for k in WHERE[where]}
    assert {item[:4] for item in caught.value.problem.items} <= named


def test_a_lie_in_every_other_slice_is_no_second_acquisition(tmp_path: Path) -> None:
    slices = replace(CHEST, edits=dict.fromkeys(range(0, 20, 2), put("RescaleIntercept", "-700"))).slices()
    with pytest.raises(InputRefusedError, match="not_hounsfield: Expected values that go on"):
        open_ct(write_slices(slices, tmp_path / "series"))


def test_what_is_allowed_is_read_with_a_warning(tmp_path: Path) -> None:
    slices = replace(CHEST, edits={7: put("RescaleSlope", "2")}).slices()
    volume = open_ct(write_slices(slices, tmp_path / "series"), allow=[Code.NOT_HOUNSFIELD], expect_lung=False)
    assert ["0007" in problem.message for problem in volume.warnings] == [True]


def stored(change: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Edit:
    """Return what changes a slice's stored numbers under an unchanged header."""
    return lambda ds: set_stored(ds, change(np.frombuffer(ds.PixelData, "<u2").astype(np.int64)))


WRONG_NUMBERS = {
    "doubled": stored(lambda numbers: numbers * 2),
    "halved": stored(lambda numbers: numbers // 2),
    "shifted": stored(lambda numbers: numbers + 1000),
    "without their lowest bits": stored(lambda numbers: numbers >> 4),
}
BOXES = {"it alone": ((9, 9, 7), (15, 14, 8)), "several": ((0, 0, 4), (40, 36, 11)), "first": ((9, 9, 7), (15, 14, 12))}


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", WRONG_NUMBERS)
def test_wrong_numbers_under_a_sound_header_are_refused_by_name_where_they_are_read(
    tmp_path: Path, name: str, box: str
) -> None:
    slices = replace(CHEST, edits={7: WRONG_NUMBERS[name]}).slices()
    folder = write_slices(slices, tmp_path / "series")
    volume = open_ct(folder, expect_lung=False)
    with pytest.raises(InputRefusedError, match=r"not_hounsfield: .*unlike both neighbours in 0007") as caught:
        volume.read_region(*BOXES[box])
    assert [item[:4] for item in caught.value.problem.items] == ["0007"]
    allowed = open_ct(folder, allow=[Code.NOT_HOUNSFIELD], expect_lung=False).read_region(*BOXES[box])
    (x0, y0, z0), (x1, y1, z1) = BOXES[box]
    np.testing.assert_array_equal(allowed, volume.read_slab(z0, z1)[x0:x1, y0:y1])
    volume.read_region((9, 9, 10), (15, 14, 15))


@pytest.mark.parametrize("box", [((0, 0, 0), (40, 36, 20)), ((9, 9, 0), (15, 14, 2)), ((30, 30, 17), (40, 36, 20))])
@pytest.mark.parametrize("as_zip", [False, True])
def test_slices_that_go_on_are_read_as_they_are(tmp_path: Path, box: Any, as_zip: bool) -> None:
    field = shown(noise_hu=60.0)
    place = write_slices(replace(CHEST, field_hu=field).slices(), tmp_path / "series")
    volume = open_ct(zip_folder(place, tmp_path / "scan.zip") if as_zip else place, expect_lung=False)
    (x0, y0, z0), (x1, y1, z1) = box
    np.testing.assert_array_equal(volume.read_region(*box), volume.read_slab(z0, z1)[x0:x1, y0:y1])


HONEST: dict[str, SeriesSpec] = {
    "each slice its own slope": replace(CHEST, slopes=tuple(np.linspace(0.4, 1.3, 20))),
    "each slice its own slope and intercept": replace(
        CHEST, slopes=tuple(np.linspace(0.4, 1.3, 20)), intercepts=tuple(np.linspace(-1100, -1000, 20))
    ),
    "one slice of its own": replace(CHEST, slopes=(*[1.0] * 7, 0.5, *[1.0] * 12)),
    "another intercept half way": replace(CHEST, intercepts=(*[-1024.0] * 9, *[-2048.0] * 11)),
    "another sign that changes nothing": replace(CHEST, edits={7: put("PixelRepresentation", 1)}),
    "fewer bits that hold all": replace(CHEST, edits={7: bits(12)}),
    "no unit": replace(CHEST, edits={7: put("RescaleType", None)}),
}


@pytest.mark.parametrize("name", HONEST)
def test_headers_that_differ_and_hold_pass(tmp_path: Path, name: str) -> None:
    spec = HONEST[name]
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"), expect_lung=False)
    assert volume.warnings == ()
    expected = np.stack([chest_hu(spec.points(k)).T for k in range(20)], axis=-1)
    np.testing.assert_allclose(volume.read_all(), expected, atol=0.7)


@pytest.mark.parametrize("unit", ["US", "HOUNSFIELD", "HU_MOD", "UNSPECIFIED"])
@pytest.mark.parametrize("which", [range(20), [7]])
def test_a_unit_without_meaning_is_decided_by_the_values(tmp_path: Path, unit: str, which: list[int]) -> None:
    slices = replace(CHEST, edits=dict.fromkeys(which, put("RescaleType", unit))).slices()
    volume = open_ct(write_slices(slices, tmp_path / "good"), expect_lung=False)
    assert [(problem.code, len(problem.items)) for problem in volume.warnings] == [(Code.NOT_HOUNSFIELD, len(which))]
    for ds in slices:
        set_stored(ds, np.frombuffer(ds.PixelData, "<u2").astype(np.int64) + 1024)
    with pytest.raises(InputRefusedError, match="not_hounsfield: Expected air"):
        open_ct(write_slices(slices, tmp_path / "bad"))


@pytest.mark.parametrize("unit", ["MGML", "Z_EFF", "ED", "EDW", "OD", "PCT"])
def test_another_quantity_is_refused_unless_allowed(tmp_path: Path, unit: str) -> None:
    slices = replace(CHEST, edits=dict.fromkeys(range(20), put("RescaleType", unit))).slices()
    folder = write_slices(slices, tmp_path / "series")
    with pytest.raises(InputRefusedError, match=f"not_hounsfield: .*RescaleType {unit}"):
        open_ct(folder)
    volume = open_ct(folder, allow=[Code.NOT_HOUNSFIELD], expect_lung=False)
    assert ["(allowed)" in problem.message for problem in volume.warnings] == [True]
