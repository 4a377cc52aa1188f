"""From a folder of crops to a data list: splits, labels, paths, errors."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nodulus.pipeline.data.data_list import DataList, read_data_list
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.problems import UsageError


def write_crops(folder: Path, n_patients: int = 20) -> Path:
    """Write nodules.csv and empty images of patients with three nodules each: malignant, benign, undecided."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for index in range(3 * n_patients):
        patient, nodule = divmod(index, 3)
        row = {"nodule_id": f"P{patient:02d}_N{nodule}", "patient_id": f"P{patient:02d}", "series_uid": "1.2"}
        row |= {f"center_{axis}_mm": f"{index}.5" for axis in "xyz"} | {"diameter_mm": f"{4 + 3 * nodule}"}
        row |= {f"bbox_low_{axis}_mm": f"{index}" for axis in "xyz"}
        row |= {f"bbox_high_{axis}_mm": f"{index + 1}" for axis in "xyz"}
        row |= dict.fromkeys(CHARACTERISTICS, "1|2|3") | {"malignancy": ("4|5|3", "1|2|2", "2|4|3")[nodule]}
        row |= dict.fromkeys(("slice_thickness_mm", "slice_spacing_mm", "pixel_spacing_mm"), "1.25")
        rows.append(row | {"manufacturer": "phantom"})
        write_crop(folder / "images" / f"{row['nodule_id']}.nii.gz", at_mm=index)
    write_table(folder, rows)
    return folder


def write_crop(path: Path, at_mm: float) -> None:
    """Write a crop of 4 mm a side whose low corner lies at the same LPS coordinate on all three axes."""
    affine_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine_ras[:3, 3] = np.asarray([1, 1, -1]) * -(at_mm - 1)
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), -800 + int(at_mm), dtype=np.int16), affine_ras), path)


def write_table(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "nodules.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def read_table(folder: Path) -> list[dict[str, str]]:
    with (folder / "nodules.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def patients_of(data: DataList, split: str) -> set[str]:
    return {item.patient_id for item in getattr(data, split)}


def test_each_patient_stands_in_one_split_and_held_out_ones_in_test(tmp_path: Path) -> None:
    data = prepare_lidc(write_crops(tmp_path / "crops"), tmp_path / "list.json", held_out=("P03", "P11"))
    training, validation, test = (patients_of(data, split) for split in ("training", "validation", "test"))
    assert test == {"P03", "P11"}
    assert not training & validation
    assert training | validation | test == {f"P{index:02d}" for index in range(20)}
    assert len(validation) == pytest.approx(18 / 5, abs=1)


def test_the_folds_validate_every_patient_once(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    folds = [
        patients_of(prepare_lidc(crops, tmp_path / "list.json", folds=4, fold=fold, held_out=()), "validation")
        for fold in range(4)
    ]
    assert sorted(patient for fold in folds for patient in fold) == [f"P{index:02d}" for index in range(20)]


def test_labels_follow_the_mean_rating(tmp_path: Path) -> None:
    data = prepare_lidc(write_crops(tmp_path / "crops"), tmp_path / "list.json")
    assert {(item.nodule_id[-2:], item.label) for _, item in data.items()} == {("N0", 1), ("N1", 0), ("N2", None)}
    assert data.training[0].ratings is not None
    assert data.training[0].box_lps_mm is not None


def test_the_list_is_read_back_and_its_images_found(tmp_path: Path) -> None:
    out = tmp_path / "lists" / "list.json"
    data = prepare_lidc(write_crops(tmp_path / "crops"), out)
    assert json.loads(out.read_text())["training"][0]["image"].startswith("../crops/images/P")
    assert read_data_list(out) == data
    assert [item["nodule_id"] for item in load_data_list(out, "training")] == [i.nodule_id for i in data.training]


def test_the_hash_names_the_content_not_the_place(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    first = prepare_lidc(crops, tmp_path / "list.json").data_hash
    assert first is not None
    assert len(first) == 64
    moved = Path(shutil.move(crops, tmp_path / "moved"))
    assert prepare_lidc(moved, tmp_path / "deep" / "list.json").data_hash == first
    assert prepare_lidc(moved, tmp_path / "list.json", fold=1).data_hash != first
    write_crop(moved / "images" / "P00_N0.nii.gz", at_mm=0.25)
    assert prepare_lidc(moved, tmp_path / "list.json").data_hash != first


def test_a_nodule_outside_its_crop_is_left_out_and_moves_no_other(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    before = prepare_lidc(crops, tmp_path / "list.json")
    write_crop(crops / "images" / "P04_N1.nii.gz", at_mm=500)
    after = prepare_lidc(crops, tmp_path / "list.json")
    assert json.loads((tmp_path / "list.json").read_text())["left_out"] == ["P04_N1"]
    for split in ("training", "validation", "test"):
        ids = [item.nodule_id for item in getattr(before, split) if item.nodule_id != "P04_N1"]
        assert [item.nodule_id for item in getattr(after, split)] == ids


def test_ages_come_in_years_and_an_odd_one_is_refused(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    rows = read_table(crops)
    for row, age in zip(rows, ("062Y", "018M", ""), strict=False):
        row["patient_age"], row["patient_sex"] = age, "F"
    write_table(crops, [row | {"patient_age": row.get("patient_age", ""), "patient_sex": "F"} for row in rows])
    items = {item.nodule_id: item.model_dump() for _, item in prepare_lidc(crops, tmp_path / "list.json").items()}
    assert [items[f"P00_N{index}"]["patient_age"] for index in range(3)] == [62.0, 1.5, None]
    rows = read_table(crops)
    rows[1]["patient_age"] = "old"
    write_table(crops, rows)
    with pytest.raises(UsageError, match=r"line 3 of .*expected an age as 062Y, got 'old'"):
        prepare_lidc(crops, tmp_path / "list.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"malignancy": "4|x"}, "Expected a nodule in line 3 of .*nodules.csv, got: invalid literal"),
        ({"malignancy": "4|9"}, "line 3 of .*expected ratings from 1 to 5, got .4, 9."),
        ({"diameter_mm": "-2"}, "line 3 of .*diameter_mm.*greater than 0"),
        ({"center_x_mm": "nan"}, "line 3 of .*center_lps_mm.*finite number"),
        ({"bbox_low_z_mm": "900"}, "line 3 of .*expected box_lps_mm as low x, y, z"),
        ({"nodule_id": "nowhere"}, "Expected the image of line 3 of .*, found no .*nowhere.nii.gz"),
    ],
)
def test_a_bad_row_is_named_in_one_line(tmp_path: Path, change: dict[str, str], message: str) -> None:
    crops = write_crops(tmp_path / "crops")
    rows = read_table(crops)
    rows[1] |= change
    write_table(crops, rows)
    with pytest.raises(UsageError, match=message) as caught:
        prepare_lidc(crops, tmp_path / "list.json")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "list.json").exists()


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    write_table(crops, [{k: v for k, v in row.items() if k != "diameter_mm"} for row in read_table(crops)])
    with pytest.raises(UsageError, match="Expected a column 'diameter_mm' in "):
        prepare_lidc(crops, tmp_path / "list.json")


def test_a_folder_without_crops_and_a_fold_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no .*nodules.csv"):
        prepare_lidc(tmp_path, tmp_path / "list.json")
    with pytest.raises(UsageError, match="Expected a fold from 0 to 4, got 5"):
        prepare_lidc(tmp_path, tmp_path / "list.json", fold=5)
    with pytest.raises(UsageError, match=r"Expected at least 2 folds, .*got 1"):
        prepare_lidc(tmp_path, tmp_path / "list.json", folds=1)
    with pytest.raises(UsageError, match="Expected at least 5 patients for 5 folds, got 3"):
        prepare_lidc(write_crops(tmp_path / "crops", n_patients=3), tmp_path / "list.json")


def test_a_place_that_takes_no_list_is_refused(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops")
    with pytest.raises(UsageError, match="Expected a JSON file to write the list to, got the folder"):
        prepare_lidc(crops, tmp_path)
    with pytest.raises(UsageError, match=r"Expected a folder to write to, got .*nodules.csv"):
        prepare_lidc(crops, crops / "nodules.csv" / "list.json")


def test_the_docs_name_every_column_that_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "data-list.md").read_text()
    missing = [name for name in read_table(write_crops(tmp_path / "crops"))[0] if f"`{name}`" not in page]
    assert missing == []
