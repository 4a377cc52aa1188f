"""Each slice knows the image that it was read from, and the header of that image can be read, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices, zip_folder
from tests.support.enhanced_writer import ENHANCED_CT, enhanced

SPEC = SeriesSpec(order=(4, 2, 0, 1, 3, 8, 7, 6, 5), positions=tuple(range(9)))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("is_zip", [False, True], ids=["folder", "zip"])
def test_a_slice_names_its_file_and_its_place(tmp_path: Path, syntax: str, is_zip: bool) -> None:
    folder = write_slices(SPEC.slices(), tmp_path / "ct", syntax)
    volume = open_ct(zip_folder(folder, tmp_path / "ct.zip") if is_zip else folder, expect_lung=False)
    assert volume.read_header is not None
    for k, image in enumerate(volume.slices):
        header = volume.read_header(k)
        assert image.sop_instance_uid == f"{SPEC.series_uid}.{SPEC.order.index(k) + 1}" == header.SOPInstanceUID
        assert (image.sop_class_uid, image.frame_number) == (header.SOPClassUID, None)
        assert image.position_lps_mm == pytest.approx(SPEC.position(k), abs=1e-9)
        assert header.PatientID == "SECRET-7"
        assert "PixelData" not in header


def test_frames_are_counted_from_one_in_the_order_of_the_file(tmp_path: Path) -> None:
    multi_frame = enhanced(SPEC.slices())
    write_slice(multi_frame, tmp_path / "ct.dcm")
    volume = open_ct(tmp_path / "ct.dcm", expect_lung=False)
    assert {(one.sop_class_uid, one.sop_instance_uid) for one in volume.slices} == {
        (ENHANCED_CT, multi_frame.SOPInstanceUID)
    }
    assert [one.frame_number for one in volume.slices] == [SPEC.order.index(k) + 1 for k in range(9)]
    for k, image in enumerate(volume.slices):
        assert image.position_lps_mm == pytest.approx(SPEC.position(k), abs=1e-9)


def test_a_header_that_is_damaged_afterwards_is_refused_by_its_file(tmp_path: Path) -> None:
    folder = write_slices(SPEC.slices(), tmp_path / "ct")
    volume = open_ct(folder, expect_lung=False)
    (folder / "0002.dcm").unlink()
    assert volume.read_header is not None
    with pytest.raises(InputRefusedError, match=r"Expected a whole DICOM header, got .* in 0002.dcm"):
        volume.read_header(0)
