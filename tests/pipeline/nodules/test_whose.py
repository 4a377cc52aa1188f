"""Whose nodules are these? A source that names another scan is refused, be it the only one that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.transforms.problems import InputRefusedError, NodulusError, ProblemCode, UsageError
from tests.support.dicom_objects import ct_series

UID, OTHER_UID = "1.3.6.1.4.1.14519.5.2.1.6279", "1.2.840.113654.2.55.1"
ROW = "1,2,3,8"


def our_table(folder: Path, column: str, *values: str) -> Path:
    path = folder / "nodules.csv"
    rows = "".join(f"n{number},{ROW},{value}\n" for number, value in enumerate(values))
    path.write_text(f"nodule_id,x_mm,y_mm,z_mm,diameter_mm,{column}\n{rows}")
    return path


def luna16(folder: Path, *uids: str) -> Path:
    path = folder / "annotations.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n" + "".join(f"{uid},{ROW}\n" for uid in uids))
    return path


def in_json(folder: Path, key: str, *values: str) -> Path:
    path = folder / "nodules.json"
    nodule = {"center_lps_mm": [1, 2, 3], "diameter_mm": 8}
    path.write_text(json.dumps([{**nodule, "nodule_id": f"n{n}", key: value} for n, value in enumerate(values)]))
    return path


def detected(folder: Path, key: str, *values: str) -> Path:
    path = folder / "detected.json"
    path.write_text(json.dumps([{"image": value, "box": [[1, 2, 3, 8, 8, 8]]} for value in values]))
    return path


def above_a_list(folder: Path, key: str, value: str) -> Path:
    """Return a file that says above its list whose the nodules are."""
    path = in_json(folder, key, value)
    entries = json.loads(path.read_text())
    path.write_text(json.dumps({key: entries[0].pop(key), "nodules": entries}))
    return path


def test_what_stands_above_a_list_says_whose_it_is(tmp_path: Path) -> None:
    for key in ("case", "image", "seriesuid"):
        path = above_a_list(tmp_path, key, UID)
        assert len(read_nodules(path, scan=tmp_path / f"{UID}.nii").nodules) == 1
        with pytest.raises(InputRefusedError, match="frame_mismatch"):
            read_nodules(path, scan=tmp_path / f"{OTHER_UID}.nii")


CASE_SOURCES = [
    *(
        (our_table, column)
        for column in (
            *("case", "case_id", "Case", "case-id", "image", "img", "Image File Path", "scan", "volume_name", "nifti"),
            *("File Name", "file.name", "patient_id", "Patient-ID", "pid", "subject", "dicom_folder", "directory"),
        )
    ),
    *((in_json, key) for key in ("case", "case_id", "image", "file_name", "PatientID")),
    (detected, "image"),
]


@pytest.mark.parametrize("scan", ["p1", "p1.nii.gz", "P1.mha", "p1.zip", "p1/series/ct.nii", "p1/1.2/1.3"])
@pytest.mark.parametrize(("write", "key"), CASE_SOURCES)
def test_a_case_is_picked_by_the_scans_name(tmp_path: Path, write: object, key: str, scan: str) -> None:
    path = write(tmp_path, key, "p2", "p1", "p3")  # type: ignore[operator]  # a function
    nodules = read_nodules(path, scan=tmp_path / scan).nodules
    assert [nodule.case_id for nodule in nodules] == ["p1"]


@pytest.mark.parametrize(("write", "key"), CASE_SOURCES)
def test_a_table_of_other_cases_is_refused(tmp_path: Path, write: object, key: str) -> None:
    path = write(tmp_path, key, "p2", "p3")  # type: ignore[operator]  # a function
    with pytest.raises(UsageError, match=r"expected nodules of p1, got those of 2: name one \(--case NAME\) of p2, p3"):
        read_nodules(path, scan=tmp_path / "p1.nii")
    path = write(tmp_path, key, "p2")  # type: ignore[operator]  # a function
    with pytest.raises(InputRefusedError, match=r"Expected nodules of p1 in .* got those of p2.*--case") as caught:
        read_nodules(path, scan=tmp_path / "p1.nii")
    assert caught.value.problem.code is ProblemCode.FRAME_MISMATCH
    assert read_nodules(path, scan=tmp_path / "p1.nii", case="p2").nodules[0].case_id == "p2"


def test_paths_in_an_image_column_are_names(tmp_path: Path) -> None:
    path = our_table(tmp_path, "image", "/data/p2.nii.gz", r"C:\data\p1.nii.gz")
    assert [nodule.nodule_id for nodule in read_nodules(path, scan=Path("p1.mha")).nodules] == ["n1"]


UID_SOURCES = [
    (lambda folder, _, *uids: luna16(folder, *uids), ""),
    *(
        (our_table, column)
        for column in ("seriesuid", "series_uid", "SeriesInstanceUID", "series", "series-uid", "ct_series_uid")
    ),
    *((in_json, key) for key in ("seriesuid", "series_uid", "SeriesInstanceUID", "Series", "series.instance.uid")),
    (lambda folder, _, *uids: luna16(folder, *(f"{uid}.mhd" for uid in uids)), ""),
]


@pytest.mark.parametrize(("write", "key"), UID_SOURCES)
def test_a_series_is_picked_by_the_scans_uid_or_by_its_files_name(tmp_path: Path, write: object, key: str) -> None:
    path = write(tmp_path, key, OTHER_UID, UID)  # type: ignore[operator]  # a function
    by_uid = read_nodules(path, series_uid=UID, scan=tmp_path / "folder").nodules
    by_name = read_nodules(path, scan=tmp_path / f"{UID}.nii.gz").nodules
    by_case = read_nodules(path, scan=tmp_path / "scan.nii", case=UID).nodules
    assert [nodule.series_uid for nodule in by_uid] == [UID]
    assert by_uid == by_name == by_case


@pytest.mark.parametrize("n_others", [1, 2])
@pytest.mark.parametrize("is_uid_known", [True, False])
@pytest.mark.parametrize(("write", "key"), UID_SOURCES)
def test_a_table_of_other_series_is_refused(
    tmp_path: Path, write: object, key: str, is_uid_known: bool, n_others: int
) -> None:
    path = write(tmp_path, key, *(OTHER_UID, "1.2.3.4.5.6")[:n_others])  # type: ignore[operator]  # a function
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        read_nodules(path, series_uid=UID if is_uid_known else None, scan=tmp_path / f"{UID}.nii")


def test_the_series_uid_goes_before_what_a_case_is_called(tmp_path: Path) -> None:
    path = tmp_path / "nodules.csv"
    path.write_text(f"case,seriesuid,nodule_id,x_mm,y_mm,z_mm,diameter_mm\nmine,{UID},a,{ROW}\nb,{OTHER_UID},c,{ROW}\n")
    assert [one.nodule_id for one in read_nodules(path, series_uid=UID, scan=tmp_path / "ct").nodules] == ["a"]


@pytest.mark.parametrize("order", [("patient", "image"), ("image", "patient")])
def test_an_image_tells_more_than_its_patient(tmp_path: Path, order: tuple[str, str]) -> None:
    values = {"patient": "anna", "image": "p1.nii"}
    path = our_table(tmp_path, ",".join(order), ",".join(values[column] for column in order))
    assert [one.case_id for one in read_nodules(path, scan=tmp_path / "p1.nii").nodules] == ["p1"]
    entry = {"nodule_id": "1", "center_lps_mm": [1, 2, 3], "diameter_mm": 8, **{name: values[name] for name in order}}
    (tmp_path / "nodules.json").write_text(json.dumps([entry]))
    assert [one.case_id for one in read_nodules(tmp_path / "nodules.json", scan=tmp_path / "p1").nodules] == ["p1"]


def test_a_number_of_a_series_names_no_scan(tmp_path: Path) -> None:
    found = read_nodules(our_table(tmp_path, "series", "3"), series_uid=UID, scan=tmp_path / "ct").nodules
    assert [one.attributes for one in found] == [{"series": "3"}]


def test_a_case_without_a_column_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "nodules.csv"
    path.write_text(f"nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,{ROW}\n")
    assert len(read_nodules(path, scan=tmp_path / "ct").nodules) == 1
    with pytest.raises(UsageError, match="expected a column case to pick 'p1' from, got none"):
        read_nodules(path, case="p1")


def test_rows_that_do_not_say_whose_they_are_are_left_out(tmp_path: Path) -> None:
    found = read_nodules(our_table(tmp_path, "case", "p1", "", "p2"), scan=tmp_path / "p1")
    assert [nodule.nodule_id for nodule in found.nodules] == ["n0"]
    assert found.notes == ("1 of 3 left out: they do not say whose they are",)


def test_without_a_scan_one_case_alone_is_read(tmp_path: Path) -> None:
    assert len(read_nodules(our_table(tmp_path, "case", "p2")).nodules) == 1
    with pytest.raises(NodulusError, match="those of 2: name one"):
        read_nodules(our_table(tmp_path, "case", "p2", "p3"))


@pytest.mark.parametrize("pad", ["{}\0", " {} ", "\t{}", "\ufeff{}", "{}\xa0", '"{}"'])
def test_a_uid_is_known_under_its_padding(tmp_path: Path, pad: str) -> None:
    for column in ("seriesuid", "series", "uid"):
        path = our_table(tmp_path, column, pad.format(OTHER_UID), pad.format(UID))
        assert [one.nodule_id for one in read_nodules(path, series_uid=UID, scan=tmp_path / "ct").nodules] == ["n1"]
        with pytest.raises(InputRefusedError, match="frame_mismatch"):
            read_nodules(our_table(tmp_path, column, pad.format(OTHER_UID)), series_uid=UID, scan=tmp_path / "ct")


@pytest.mark.parametrize("column", ["uid", "scan_uid", "case-uid"])
def test_a_uid_that_names_no_part_of_the_scan_is_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        read_nodules(our_table(tmp_path, column, OTHER_UID), series_uid=UID, scan=tmp_path / "ct")
    assert read_nodules(our_table(tmp_path, column, "7"), series_uid=UID, scan=tmp_path / "ct").nodules


@pytest.mark.parametrize(
    "column", ["patient_age", "image_number", "volume", "ct", "file_size", "study_id", "nodule_uid"]
)
def test_what_names_no_scan_is_an_attribute(tmp_path: Path, column: str) -> None:
    found = read_nodules(our_table(tmp_path, column, "61"), series_uid=UID, scan=tmp_path / "ct").nodules
    assert [one.attributes for one in found] == [{column: "61"}]


@pytest.mark.parametrize("first", ["", "3"])
def test_each_row_says_for_itself_whose_it_is(tmp_path: Path, first: str) -> None:
    path = our_table(tmp_path, "series", first, OTHER_UID, UID)
    found = read_nodules(path, series_uid=UID, scan=tmp_path / "ct")
    assert [one.nodule_id for one in found.nodules] == ["n2"]
    assert found.notes == ("1 of 3 left out: they do not say whose they are",)
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        read_nodules(our_table(tmp_path, "series", first, OTHER_UID), series_uid=UID, scan=tmp_path / "ct")


@pytest.mark.parametrize("key", ["seriesuid", "Series-Instance-UID", "case"])
def test_what_an_object_in_the_file_says_of_the_scan_counts(tmp_path: Path, key: str) -> None:
    nodule = {"nodule_id": "1", "center_lps_mm": [1, 2, 3], "diameter_mm": 8}
    path = tmp_path / "nodules.json"
    for content in ({"scan": {key: UID}, "nodules": [nodule]}, [{**nodule, "source": {key: UID}}]):
        path.write_text(json.dumps(content))
        assert len(read_nodules(path, scan=tmp_path / f"{UID}.nii").nodules) == 1
        with pytest.raises(InputRefusedError, match="frame_mismatch"):
            read_nodules(path, scan=tmp_path / f"{OTHER_UID}.nii")


def test_a_channel_of_nn_u_net_is_called_as_its_image(tmp_path: Path) -> None:
    assert read_nodules(our_table(tmp_path, "image", "p1"), scan=tmp_path / "p1_0000.nii.gz").nodules
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        read_nodules(our_table(tmp_path, "image", "p1"), scan=tmp_path / "p1_0001.nii.gz")


@pytest.mark.parametrize("column", ["patient_id", "PatientID", "case", "subject"])
@pytest.mark.parametrize("stated", ["ANNA-7", " anna-7 ", "ANNA-7\0"])
def test_a_patient_of_the_headers_is_the_scans(tmp_path: Path, column: str, stated: str) -> None:
    slices = ct_series()
    (tmp_path / "download").mkdir()
    for n, one in enumerate(slices[:2]):
        one.PatientID = "ANNA-7"
        one.save_as(tmp_path / "download" / f"{n}.dcm", enforce_file_format=True)
    series_uid, scan = str(slices[0].SeriesInstanceUID), tmp_path / "download"
    path = our_table(tmp_path, column, "BERTA-8", stated)
    assert [one.nodule_id for one in read_nodules(path, series_uid=series_uid, scan=scan).nodules] == ["n1"]
    with pytest.raises(InputRefusedError, match="frame_mismatch") as caught:
        read_nodules(our_table(tmp_path, column, "BERTA-8"), series_uid=series_uid, scan=scan)
    assert "ANNA" not in str(caught.value)  # who the patient is stays in the headers
