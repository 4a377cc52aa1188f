"""Values that cannot be Hounsfield units are refused, and those of real scans pass."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from nodulus.transforms.gate.hounsfield import broken_rule
from nodulus.transforms.gate.rule import GateRule
from nodulus.transforms.gate.value_rules import BODY_MEDIAN, HAS_AIR, HAS_TISSUE, HU_RANGE, LITTLE_BELOW_AIR
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slices

Values = NDArray[np.float32]


def chest() -> Values:
    """Return values of a chest in a round field of view: padding, air around, lung, fat and muscle, bone."""
    noise = np.random.default_rng(0)
    parts = [(-3024, 0, 200), (-1000, 15, 200), (-850, 60, 250), (-100, 20, 150), (50, 20, 180), (500, 100, 20)]
    return np.concatenate([noise.normal(middle, width, 10 * n) for middle, width, n in parts]).astype(np.float32)


def test_a_chest_passes() -> None:
    assert broken_rule(chest()) is None


WRONG: list[tuple[Callable[[Values], Values], GateRule]] = [
    (lambda hu: hu + 1024, HAS_AIR),  # the intercept is lost, and the padding still as dark as air
    (lambda hu: hu * 0.5, HAS_AIR),
    (lambda hu: hu - 8192, HAS_AIR),
    (lambda hu: hu - 1024, HAS_TISSUE),
    (lambda hu: 2 * hu + 1024, HAS_TISSUE),
    (lambda hu: 1.3 * hu + 307, BODY_MEDIAN),
    (lambda hu: np.where(hu > 300, -1800 - hu, hu), LITTLE_BELOW_AIR),
    (lambda hu: np.where(hu > 300, hu + 65536, hu), HU_RANGE),
    (lambda hu: hu[:0], HAS_AIR),
    (lambda hu: np.full(100, -1000.0, np.float32), HAS_AIR),
]


@pytest.mark.parametrize(("change", "rule"), WRONG)
def test_what_no_chest_shows_is_named(change: Callable[[Values], Values], rule: GateRule) -> None:
    problem = broken_rule(np.asarray(change(chest()), dtype=np.float32))
    assert problem is not None
    assert problem[0] is rule


@pytest.fixture(scope="module")
def real_slices(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """Return every tenth slice of a real scan by GE, whose padding is darker than air."""
    folder = tmp_path_factory.mktemp("lidc")
    with zipfile.ZipFile(data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip") as archive:
        archive.extractall(folder)
    slices: list[Dataset] = sorted(
        map(dcmread, folder.rglob("*.dcm")), key=lambda ds: float(ds.ImagePositionPatient[2])
    )
    return slices[5::20]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("RescaleIntercept", 0), ("RescaleIntercept", -8192), ("RescaleSlope", 2), ("BitsStored", 10)],
)
def test_a_real_scan_with_a_wrong_rescale_is_refused(
    real_slices: list[Dataset], tmp_path: Path, keyword: str, value: int
) -> None:
    for number, ds in enumerate(real_slices):
        kept = getattr(ds, keyword), ds.HighBit
        setattr(ds, keyword, value)
        ds.HighBit = ds.BitsStored - 1
        ds.save_as(tmp_path / f"{number}.dcm")
        setattr(ds, keyword, kept[0])
        ds.HighBit = kept[1]
    with pytest.raises(InputRefusedError) as caught:
        open_ct(tmp_path, allow=[Code.THICK_SLICES])
    assert caught.value.problem.code == Code.NOT_HOUNSFIELD


@pytest.mark.parametrize("which", range(9))
def test_a_rescale_that_is_wrong_in_one_slice_is_refused(tmp_path: Path, which: int) -> None:
    spec = SeriesSpec(edits={which: lambda ds: setattr(ds, "RescaleIntercept", "-500")})
    with pytest.raises(InputRefusedError, match="not_hounsfield"):
        open_ct(write_slices(spec.slices(), tmp_path / "series"))


def test_bits_in_use_that_are_said_not_to_be_stored_are_refused(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.BitsStored, ds.HighBit = 9, 8
    with pytest.raises(InputRefusedError, match="9 bits stored"):
        open_ct(write_slices(slices, tmp_path / "series"))
