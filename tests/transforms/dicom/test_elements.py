"""Headers read by our own walk are what pydicom reads."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from pydicom import dcmread

from nodulus.transforms.dicom.slice_header import SliceHeader, read_slice_header
from nodulus.transforms.sources.byte_sources import ByteSource, FileSource, MemorySource
from tests.support.dicom_series_writer import UNCOMPRESSED, SeriesSpec, write_slice


def assert_same_as_pydicom(header: SliceHeader, path: Path) -> None:
    ds = dcmread(path)
    assert header.sop_class == ds.SOPClassUID
    assert (header.modality, header.series_uid, header.study_uid) == ("CT", ds.SeriesInstanceUID, ds.StudyInstanceUID)
    assert header.position_lps_mm == tuple(map(float, ds.ImagePositionPatient))
    assert header.orientation_lps == tuple(map(float, ds.ImageOrientationPatient))
    assert header.spacing_rows_columns_mm == tuple(map(float, ds.PixelSpacing))
    assert (header.slope, header.intercept) == (float(ds.RescaleSlope), float(ds.RescaleIntercept))
    assert (header.pixels.rows, header.pixels.columns) == (ds.Rows, ds.Columns)
    assert (header.pixels.bits_allocated, header.pixels.bits_stored) == (ds.BitsAllocated, ds.BitsStored)
    assert header.pixels.is_signed == bool(ds.PixelRepresentation)
    assert header.pixels.transfer_syntax == ds.file_meta.TransferSyntaxUID
    assert header.source.read(header.pixels.offset, 100) == ds.PixelData[:100]


def source_of(path: Path) -> ByteSource:
    return FileSource(path, path.name, path.stat().st_size)


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
def test_headers_of_phantoms_are_what_pydicom_reads(tmp_path: Path, syntax: str) -> None:
    write_slice(SeriesSpec().slices()[3], tmp_path / "slice.dcm", syntax)
    assert_same_as_pydicom(read_slice_header(source_of(tmp_path / "slice.dcm")), tmp_path / "slice.dcm")


def test_headers_of_real_slices_are_what_pydicom_reads(tmp_path: Path, data_dir: Path) -> None:
    with zipfile.ZipFile(data_dir / "lidc_dicom" / "LIDC-IDRI-0003.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".dcm")][::20]
        paths = [Path(archive.extract(name, tmp_path)) for name in names]
    for path in [*paths, *sorted((data_dir / "dicom_codecs").glob("*.dcm"))]:
        assert_same_as_pydicom(read_slice_header(source_of(path)), path)


def test_no_more_is_read_than_the_header_needs(tmp_path: Path) -> None:
    write_slice(SeriesSpec(columns=300, rows=300).slices()[0], tmp_path / "slice.dcm")
    content = (tmp_path / "slice.dcm").read_bytes()
    read: list[int] = []

    class Counting(MemorySource):
        def read(self, offset: int, length: int) -> bytes:
            read.append(length)
            return super().read(offset, length)

    read_slice_header(Counting("slice.dcm", content))
    assert sum(read) < len(content) // 5
