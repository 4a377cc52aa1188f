"""Stacks that share a series: told apart, or refused; never read as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, linear_hu, write_slices


def stack(brighter_hu: float, first_mm: float, n_slices: int = 9, **fields: object) -> list[Dataset]:
    spec = replace(
        SeriesSpec(),
        positions=tuple(range(n_slices)),
        origin_lps_mm=(-6.0, -5.0, first_mm),
        field_hu=lambda points: linear_hu(points) + brighter_hu,
    )
    slices = spec.slices()
    for ds in slices:
        for keyword, value in fields.items():
            setattr(ds, keyword, value)
    return slices


@pytest.mark.parametrize(
    "keyword", ["AcquisitionNumber", "TemporalPositionIdentifier", "KVP", "ReconstructionDiameter"]
)
@pytest.mark.parametrize("shift_mm", [1.0, 0.7])
def test_stacks_that_alternate_are_split_and_one_is_read(tmp_path: Path, keyword: str, shift_mm: float) -> None:
    slices = [*stack(0, -8, **{keyword: 1}), *stack(100, -8 + shift_mm, **{keyword: 2})]
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [Code.MIXED_SERIES]
    assert volume.grid.size_xyz[2] == 9
    np.testing.assert_allclose(volume.read_slab(0, 1)[:, :, 0], linear_hu(SeriesSpec().points(0)).T, atol=0.51)


def test_stacks_that_alternate_unevenly_are_refused(tmp_path: Path) -> None:
    slices = [*stack(0, -8, AcquisitionNumber=1), *stack(100, -7, AcquisitionNumber=2)]
    del slices[4]
    with pytest.raises(InputRefusedError, match="mixed_series"):
        open_ct(write_slices(slices, tmp_path / "series"))


def test_a_kernel_that_changes_half_way_is_warned_of(tmp_path: Path) -> None:
    slices = stack(0, -8)
    for number, ds in enumerate(slices):
        ds.ConvolutionKernel = "B30f" if number < 5 else "B70f"
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert [(problem.code, len(problem.items)) for problem in volume.warnings] == [(Code.MIXED_SERIES, 1)]


def test_a_copy_is_dropped_whatever_its_acquisition_time(tmp_path: Path) -> None:
    slices = stack(0, -8)
    slices.append(stack(0, -8)[3])
    for number, ds in enumerate(slices):
        ds.AcquisitionTime = f"1200{number:02d}"
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert volume.grid.size_xyz[2] == 9
    assert [problem.code for problem in volume.warnings] == [Code.DUPLICATE_SLICES]


def test_stations_that_share_a_position_lose_no_slices_unseen(tmp_path: Path) -> None:
    slices = [*stack(0, -8, AcquisitionNumber=1), *stack(1, 8, 5, AcquisitionNumber=2)]
    with pytest.raises(InputRefusedError, match="duplicate_slices") as caught:
        open_ct(write_slices(slices, tmp_path / "series"))
    assert len(caught.value.problem.items) == 2


def test_nothing_but_localizers_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="localizer"):
        open_ct(write_slices(stack(0, -8, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), tmp_path / "series"))


@pytest.mark.parametrize(
    "fields",
    [
        {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "MIP"]},
        {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]},
        {"RescaleType": "MGML"},
        {"SliceThickness": 8},
    ],
)
def test_longer_series_of_another_kind_are_not_chosen(tmp_path: Path, fields: dict[str, object]) -> None:
    other = stack(300, -8, 12, SeriesInstanceUID="1.2.826.9", **fields)
    volume = open_ct(write_slices([*stack(0, -8), *other], tmp_path / "series"))
    assert volume.attributes["series_uid"] == SeriesSpec().series_uid


def test_a_gap_is_seen_where_positions_are_rounded_to_one_decimal(tmp_path: Path) -> None:
    positions = tuple(round(0.625 * k, 1) for k in range(30) if k != 11)
    folder = write_slices(SeriesSpec(positions=positions, step_mm=1.0, thickness_mm=0.6).slices(), tmp_path / "series")
    with pytest.raises(InputRefusedError, match=r"missing_slices.* 1 missing in 1 place"):
        open_ct(folder)


def test_two_equal_stacks_are_compared_with_one_that_is_there(tmp_path: Path) -> None:
    other = SeriesSpec(row=(1, 0, 0), column=(0, 0, -1)).slices()
    with pytest.raises(InputRefusedError) as caught:
        open_ct(write_slices([*stack(0, -8), *other], tmp_path / "series"))
    assert "0.5" not in caught.value.problem.message


def test_a_series_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match=r"got series 1\.2\.826\S* of 9 CT images"):
        open_ct(write_slices(stack(0, -8), tmp_path / "series"), series_uid="1.2.3")
