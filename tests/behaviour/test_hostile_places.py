"""Inputs without end, many scans in one process, and names that must stay with the patient."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

from nodulus.pipeline.command.main import run
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slices, zip_folder

GIB = 1 << 30
STARTS = {
    **{
        ".dcm": bytes(128) + b"DICM",
        ".ima": b"",
        ".zip": b"PK\x03\x04",
        ".nii": b"\x5c\x01\0\0",
        ".nii.gz": b"\x1f\x8b\x08",
    },
    **{".mha": b"ObjectType = Image\nNDims = 3\n", ".nrrd": b"NRRD0004\n", ".csv": b"case_id,input\n", ".json": b"["},
}
MARK = "ZZMARK"
IDENTIFYING = (
    "PatientName PatientID PatientBirthDate PatientBirthTime PatientSex PatientAge PatientAddress PatientComments "
    "PatientTelephoneNumbers PatientMotherBirthName PatientBirthName OtherPatientNames OtherPatientIDs "
    "MedicalRecordLocator MilitaryRank EthnicGroup Occupation PatientReligiousPreference IssuerOfPatientID "
    "InsurancePlanIdentification ReferringPhysicianName ReferringPhysicianAddress "
    "ReferringPhysicianTelephoneNumbers PhysiciansOfRecord PerformingPhysicianName NameOfPhysiciansReadingStudy "
    "OperatorsName RequestingPhysician ResponsiblePerson ResponsibleOrganization InstitutionName "
    "InstitutionAddress InstitutionalDepartmentName StationName DeviceSerialNumber AccessionNumber StudyID "
    "StudyDescription SeriesDescription ProtocolName RequestingService RequestedProcedureDescription "
    "AdditionalPatientHistory AdmissionID CurrentPatientLocation ImageComments PerformedProcedureStepDescription "
    "DerivationDescription "
)


def bytes_read() -> int:
    """Return how much this process has read so far, as Linux counts it: another system tells nothing, and 0."""
    counts = Path("/proc/self/io")
    if not counts.is_file():
        return 0
    return int(dict(line.split(": ") for line in counts.read_text().splitlines())["rchar"])


@pytest.mark.parametrize("suffix", STARTS)
def test_a_scan_of_gigabytes_that_holds_none_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sparse{suffix}"
    path.write_bytes(STARTS[suffix])
    point = ["--point", "0,0,0", "--diameter", "5", "-o", str(tmp_path / "out"), "--no-digests"]
    commands = (["infer", str(path), *point], ["check", str(path)])
    for command in commands:
        assert run(command) in (2, 3)  # loads what they need
    with path.open("ab") as file:
        file.truncate(6 * GIB)  # sparse: it takes no room
    before = bytes_read()
    tracemalloc.start()
    try:
        for command in commands:
            assert run(command) in (2, 3)
        assert tracemalloc.get_traced_memory()[1] < GIB // 4
    finally:
        tracemalloc.stop()
    assert bytes_read() - before < GIB // 4


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_many_scans_leave_nothing_behind(tmp_path: Path, kind: str) -> None:
    place = write_slices(SeriesSpec().slices(), tmp_path / "series")
    place = zip_folder(place, tmp_path / "series.zip") if kind == "zip" else place

    def read(n_scans: int) -> int:
        for _ in range(n_scans):
            open_ct(place).read_all()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    read(3)  # what is loaded once
    tracemalloc.start()
    try:
        few = read(5)
        assert read(60) - few < 200_000  # one scan's voxels alone take 60 times 5.5 kB
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux shows them")
def test_many_archives_leave_no_file_open(tmp_path: Path) -> None:
    archive = zip_folder(write_slices(SeriesSpec().slices(), tmp_path / "series"), tmp_path / "series.zip")
    open_ct(archive).read_all()
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        open_ct(archive).read_all()
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def marked(ds: Dataset) -> Dataset:
    """Return a slice whose identifying elements all hold a mark, and a private one, too."""
    for number, keyword in enumerate(IDENTIFYING.split()):
        vr = dictionary_VR(tag_for_keyword(keyword) or 0)
        dates = {"DA": "19991231", "TM": "235959", "AS": "077Y"}
        setattr(ds, keyword, dates.get(vr, f"{MARK}{number}"))
    ds.private_block(0x0009, "NOBODY", create=True).add_new(1, "LO", MARK)
    return ds


@pytest.mark.parametrize("is_broken", [False, True])
def test_no_identifying_value_reaches_what_is_written(
    tmp_path: Path, is_broken: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert len(IDENTIFYING.split()) >= 45
    slices = [marked(ds) for ds in SeriesSpec().slices()]
    scan, out = (
        write_slices(slices[: 4 if is_broken else 9] + slices[6:] * is_broken, tmp_path / "scan"),
        tmp_path / "out",
    )
    nodule = ["--point", "-2,0,0", "--diameter", "4"]
    assert run(["check", str(scan), "--json"]) == (3 if is_broken else 0)
    assert run(["infer", str(scan), *nodule, "-o", str(out)]) == (3 if is_broken else 0)
    written = [path.read_text(errors="replace") for path in out.rglob("*") if path.is_file()]
    assert written
    for text in (*capfd.readouterr(), *written):
        for value in (MARK, "19991231", "235959", "077Y"):
            assert value not in text
