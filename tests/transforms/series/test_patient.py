"""Who a series is of is read from its own files, in their character set, and from nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from nodulus.transforms.series.patient import Patient, read_patient
from tests.support.dicom_series_writer import write_slice, zip_folder

SERIES = "1.2.3"


def slice_of(series_uid: str = SERIES, **elements: str | list[str]) -> Dataset:
    """Return a header without pixels: nothing of them is asked for."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.SOPInstanceUID = f"{series_uid}.1"
    dataset.SeriesInstanceUID = series_uid
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("is_zip", [False, True])
def test_the_series_own_patient_is_read(syntax: str, is_zip: bool, tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    folder.mkdir()
    write_slice(slice_of("1.2.9", PatientName="Other^Patient", PatientID="9"), folder / "a.dcm", syntax)
    told = {"PatientID": "A 1", "PatientBirthDate": "19500102", "StudyDate": "20240131"}
    write_slice(slice_of(PatientName="Doe^Jane^^Dr", **told), folder / "b.dcm", syntax)
    (folder / "notes.txt").write_text("not DICOM")
    place = zip_folder(folder, tmp_path / "scan.zip") if is_zip else folder
    assert read_patient(place, SERIES) == Patient("Doe Jane Dr", "A 1", "1950-01-02", "2024-01-31")
    assert read_patient(place, "1.2.4") is None


@pytest.mark.parametrize(
    ("charset", "name", "shown"),
    [
        ("ISO_IR 100", "Müller^Jörg", "Müller Jörg"),
        ("ISO_IR 192", "Новак^Ева", "Новак Ева"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", "Yamada Tarou / 山田 太郎"),
    ],
)
def test_names_are_read_in_their_character_set(charset: str, name: str, shown: str, tmp_path: Path) -> None:
    write_slice(slice_of(SpecificCharacterSet=charset.split("\\"), PatientName=name), tmp_path / "a.dcm")
    found = read_patient(tmp_path, SERIES)
    assert found is not None
    assert found.name == shown


def test_what_is_missing_or_of_an_unknown_set_stops_nothing(tmp_path: Path) -> None:
    write_slice(slice_of(), tmp_path / "a.dcm")
    assert read_patient(tmp_path, SERIES) == Patient("", "", "", "")
    path = tmp_path / "a.dcm"
    write_slice(slice_of(PatientName="Doe^Jane"), path)
    path.write_bytes(path.read_bytes().replace(b"Doe^Jane", b"D\xf6\xff^Jo\x1b$"))
    found = read_patient(tmp_path, SERIES)
    assert found is not None
    assert found.name.startswith("D")
    path.write_bytes(b"\0" * 100)
    assert read_patient(tmp_path, SERIES) is None
    assert read_patient(tmp_path / "gone", SERIES) is None
