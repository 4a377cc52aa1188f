"""Data lists: what is refused and how it is named, what a dataset receives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.pipeline.data.data_list import DataListFile, hash_data, read_data_list
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.problems import UsageError

Content = dict[str, Any]


def item(name: str, patient: str, **changes: Any) -> Content:
    """Return an item of a data list."""
    base = {
        "image": f"images/{name}.nii",
        "nodule_id": name,
        "patient_id": patient,
        "center_lps_mm": [1.0, 2.0, 3.0],
        "diameter_mm": 6.0,
        "box_lps_mm": [0.0, 0.0, 0.0, 5.0, 5.0, 5.0],
        "label": 1,
    }
    return base | changes


def write(folder: Path, **splits: list[Content]) -> Path:
    """Write a data list, with an empty file for each image."""
    (folder / "images").mkdir(exist_ok=True)
    for part in splits.values():
        for entry in part:
            (folder / entry["image"]).touch()
    path = folder / "list.json"
    path.write_text(json.dumps(splits))
    return path


def test_images_are_found_beside_the_list_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, training=[item("a", "P1")])
    monkeypatch.chdir("/")
    assert load_data_list(path, "training")[0]["image"] == str(tmp_path / "images" / "a.nii")


def test_a_patient_in_two_splits_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1")], validation=[item("b", "P2"), item("c", "P1")])
    with pytest.raises(UsageError, match="Expected each patient in one split, got P1 in training and validation of "):
        load_data_list(path, "training")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": 2}, r"training item 1 \(bad\) label: .*0 or 1"),
        ({"diameter_mm": 0}, r"training item 1 \(bad\) diameter_mm: .*greater than 0"),
        ({"center_lps_mm": [1.0, 2.0]}, r"training item 1 \(bad\) center_lps_mm"),
        ({"box_lps_mm": [5, 0, 0, 1, 1, 1]}, r"training item 1 \(bad\): expected box_lps_mm as low x, y, z"),
        ({"ratings": [0, 3]}, r"training item 1 \(bad\): expected ratings from 1 to 5"),
    ],
)
def test_a_bad_item_is_named_in_one_line(tmp_path: Path, changes: Content, message: str) -> None:
    path = write(tmp_path, training=[item("a", "P1"), item("bad", "P2", **changes)])
    with pytest.raises(UsageError, match=message) as caught:
        load_data_list(path, "training")
    assert "\n" not in str(caught.value)


def test_a_missing_image_names_its_nodule(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1")])
    (tmp_path / "images" / "a.nii").unlink()
    with pytest.raises(UsageError, match=r"Expected the image of nodule a, found no .*a.nii"):
        load_data_list(path, "training")


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    with pytest.raises(UsageError, match="found no file"):
        read_data_list(path)
    path.write_text("not json")
    with pytest.raises(UsageError, match="Expected a data list in JSON"):
        read_data_list(path)
    path.write_text("[]")
    with pytest.raises(UsageError, match=r"Expected a data list, got the file: .* an object in .*list.json"):
        read_data_list(path)


def test_an_empty_or_unknown_split_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1", label=None)])
    with pytest.raises(UsageError, match=r"Expected nodules in the validation split of .*, got none"):
        load_data_list(path, "validation")
    with pytest.raises(UsageError, match=r"Expected nodules in the training split of .*, got none"):
        load_data_list(path, "training", only_labelled=True)
    with pytest.raises(UsageError, match="Expected a split of training, validation, test, got 'train'"):
        load_data_list(path, "train")  # type: ignore[arg-type]


def test_only_labelled_leaves_out_the_undecided(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1", label=None), item("b", "P1", label=0)])
    assert [entry["label"] for entry in load_data_list(path, "training", only_labelled=True)] == [0]


def test_both_boxes_give_each_nodule_twice(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1")])
    own, implied = load_data_list(path, "training", boxes="both")
    assert (own["box"], own["box_lps_mm"]) == ("own", (0.0, 0.0, 0.0, 5.0, 5.0, 5.0))
    assert (implied["box"], implied["box_lps_mm"]) == ("diameter", None)


def test_ratings_become_class_chances(tmp_path: Path) -> None:
    rated, labelled, neither = (
        item("a", "P1", ratings=[5, 3, 3, 1], label=None),
        item("b", "P1", label=0),
        item("c", "P1", label=None),
    )
    path = write(tmp_path, training=[rated, labelled, neither])
    loaded = load_data_list(path, "training", rating_chances=[0.0, 0.1, 0.5, 0.9, 1.0])
    assert [entry["nodule_id"] for entry in loaded] == ["a", "b"]
    np.testing.assert_allclose([entry["label"][:2] for entry in loaded], [[0.5, 0.5], [1.0, 0.0]])
    assert loaded[0]["label"].dtype == np.float32


def test_characteristics_become_fractions_of_their_scales_and_what_was_not_rated_is_nan(tmp_path: Path) -> None:
    rated = item("a", "P1", characteristics={"calcification": [1, 6], "internal_structure": [4], "texture": [2, 4]})
    path = write(tmp_path, training=[rated, item("b", "P1")])
    first, second = load_data_list(path, "training", rating_chances=[0.0, 0.25, 0.5, 0.75, 1.0])
    wanted = dict.fromkeys(CHARACTERISTICS, np.nan) | {"calcification": 0.5, "internal_structure": 1.0, "texture": 0.5}
    np.testing.assert_allclose(first["label"][2:], list(wanted.values()))
    assert np.isnan(second["label"][2:]).all()


@pytest.mark.parametrize(
    ("characteristics", "message"),
    [({"texture": [6]}, r"texture from 1 to 5, got \[6\]"), ({"colour": [1]}, "got 'colour'")],
)
def test_a_rating_off_its_scale_is_refused(characteristics: dict[str, list[int]], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_data_list(write(tmp_path, training=[item("a", "P1", characteristics=characteristics)]))


def test_an_undecided_nodule_gets_the_number_that_stands_for_it(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1", label=None), item("b", "P1", label=0)])
    assert [entry["label"] for entry in load_data_list(path, "training", undecided=-1)] == [-1, 0]


def test_further_keys_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1", manufacturer="phantom")])
    assert load_data_list(path, "training")[0]["manufacturer"] == "phantom"


@pytest.mark.parametrize(("label", "found"), [(1, r"\[1\]"), (None, "none")])
def test_a_split_without_both_classes_is_refused_where_they_are_needed(
    label: int | None, found: str, tmp_path: Path
) -> None:
    path = write(tmp_path, test=[item("a", "P1", label=label), item("b", "P2", label=label)])
    assert len(load_data_list(path, "test")) == 2
    with pytest.raises(UsageError, match=f"both labels, 0 and 1, in the test split of .*list.json, got {found}"):
        load_data_list(path, "test", both_classes=True)


def test_the_example_of_the_docs_is_a_list_whose_validation_holds_both_classes(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "data-list.md").read_text()
    example = json.loads(page.split("```json\n")[1].split("```")[0])
    (tmp_path / "scans").mkdir()
    for part in example.values():
        for entry in part:
            (tmp_path / entry["image"]).touch()
    (tmp_path / "list.json").write_text(json.dumps(example))
    assert len(load_data_list(tmp_path / "list.json", "training")) == 1
    assert len(load_data_list(tmp_path / "list.json", "validation", only_labelled=True, both_classes=True)) == 2


def test_two_nodules_of_one_name_are_refused_in_a_split_even_of_two_patients(tmp_path: Path) -> None:
    path = write(tmp_path, validation=[item("1", "P1"), item("1", "P2")])
    with pytest.raises(UsageError, match=r"each nodule_id once in the validation split of .*list.json, got '1' again"):
        read_data_list(path)
    others = [item("1", "P2", image="images/2.nii")]
    assert read_data_list(write(tmp_path, training=[item("1", "P1")], validation=others))


SPELLINGS = st.sampled_from(["P1", "p1", " P1", "p1\t", "  p1 "])


@settings(deadline=None, max_examples=50)
@given(first=SPELLINGS, second=SPELLINGS)
def test_a_patient_stands_in_one_split_however_the_id_is_spelled(
    first: str, second: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = write(folder, training=[item("a", first)], test=[item("b", second)])
    with pytest.raises(UsageError, match=r"Expected each patient in one split, got .* in training and test of"):
        read_data_list(path)
    # In one split the two are one patient, named as it was first.
    data = read_data_list(write(folder, training=[item("a", first), item("b", second)]))
    assert [entry.patient_id for entry in data.training] == [first.strip()] * 2


def test_blanks_are_no_patient(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"training item 0 \(a\): expected a patient_id, got '  '"):
        read_data_list(write(tmp_path, training=[item("a", "  ")]))


PATHS_OF_ONE_IMAGE = st.sampled_from(
    ["images/a.nii", "./images/a.nii", "images/../images/a.nii", "linked/a.nii", "link.nii", "{folder}/images/a.nii"]
)


@settings(deadline=None, max_examples=50)
@given(first=PATHS_OF_ONE_IMAGE, second=PATHS_OF_ONE_IMAGE, split=st.sampled_from(["training", "validation"]))
def test_one_image_of_two_patients_is_refused_under_whatever_path(
    first: str, second: str, split: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "shared"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name, target in (("linked", "images"), ("link.nii", "images/a.nii")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    images = [path.format(folder=folder) for path in (first, second)]
    ours, theirs = item("a", "P1", image=images[0]), item("b", "P2", image=images[1])
    splits = {"training": [ours, theirs]} if split == "training" else {"training": [ours], split: [theirs]}
    with pytest.raises(UsageError, match=r"Expected each image of one patient, got .*a.nii of P1 and P2 in .*list"):
        read_data_list(write(folder, **splits))
    same = item("b", " p1", image=images[1])
    assert len(read_data_list(write(folder, training=[ours, same])).training) == 2


@pytest.mark.parametrize("name", ["hard.nii", "link_to_hard.nii"])
def test_one_image_of_two_patients_is_refused_under_a_second_name_of_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.nii").write_bytes(b"image")
    (tmp_path / "other.nii").write_bytes(b"image")  # a file of its own, whatever it holds
    (tmp_path / "hard.nii").hardlink_to(tmp_path / "a.nii")
    (tmp_path / "link_to_hard.nii").symlink_to("hard.nii")
    ours = item("a", "P1", image="a.nii")
    with pytest.raises(UsageError, match="Expected each image of one patient"):
        read_data_list(write(tmp_path, training=[ours, item("b", "P2", image=name)]))
    assert read_data_list(write(tmp_path, training=[ours, item("b", "P2", image="other.nii")]))


def test_a_list_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, training=[item("a", "P1")])
    listed = DataListFile.read(path)
    path.unlink()
    assert DataListFile.read(listed) is listed
    assert load_data_list(listed, "training")[0]["image"] == str(tmp_path / "images" / "a.nii")
    assert (os.path.dirname(listed), listed.folder) == (str(tmp_path), tmp_path)  # noqa: PTH120 - as the configs do
    assert listed.data_hash == hash_data(listed.data)
