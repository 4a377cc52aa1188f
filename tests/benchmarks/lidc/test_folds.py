"""Tests of the data lists of the published folds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.lidc.folds import (
    FoldKey,
    PublishedFolds,
    median_label,
    point_to_crops,
    read_published,
    write_fold,
    write_split,
)
from nodulus.pipeline.data.data_list import SPLITS, DataList, DataListItem, hash_data, read_data_list
from nodulus.pipeline.data.lidc import CROPS_MAY_BE, HELD_OUT, label_of, read_crops
from nodulus.pipeline.data.places import nodules_outside
from nodulus.transforms.problems import UsageError


@pytest.fixture(scope="module")
def real_crops(data_dir: Path) -> Path:
    return data_dir / "lidc_nodules"


@pytest.fixture(scope="module")
def published(real_crops: Path) -> PublishedFolds:
    return read_published(real_crops)


@pytest.fixture(scope="module")
def items(real_crops: Path) -> list[DataListItem]:
    return read_crops(real_crops, real_crops)


@pytest.fixture(scope="module")
def outside(items: list[DataListItem], real_crops: Path) -> set[str]:
    return set(nodules_outside(items, real_crops, CROPS_MAY_BE))


@pytest.fixture(scope="module")
def lists(
    items: list[DataListItem], outside: set[str], published: PublishedFolds, tmp_path_factory: pytest.TempPathFactory
) -> dict[FoldKey, DataList]:
    folder = tmp_path_factory.mktemp("lists")
    return {key: write_split(items, folder / f"{key}.json", key, published, outside) for key in published.select()}


def patients_of(items: tuple[DataListItem, ...]) -> set[str]:
    return {item.patient_id for item in items}


def test_all_folds_but_the_one_held_back_are_at_hand(published: PublishedFolds) -> None:
    everything = {FoldKey(rep, fold) for rep in range(3) for fold in range(5)}
    assert everything - set(published.select()) == {FoldKey(0, 0)}


def test_no_patient_stands_in_two_parts_of_any_fold(lists: dict[FoldKey, DataList]) -> None:
    assert len(lists) == 14
    for data in lists.values():
        training, validation, test = (patients_of(getattr(data, split)) for split in SPLITS)
        assert not training & test
        assert not validation & test
        assert not training & validation


def test_all_other_nodules_train_or_validate_but_those_of_the_end_to_end_tests(
    lists: dict[FoldKey, DataList], items: list[DataListItem], outside: set[str]
) -> None:
    assert outside == {"LIDC-IDRI-0332_R_1"}  # its table's centre and its mask lie 25 mm apart
    for data in lists.values():
        left_out = patients_of(data.test) | set(HELD_OUT)
        expected = {item.nodule_id for item in items if item.patient_id not in left_out} - outside
        assert {item.nodule_id for item in (*data.training, *data.validation)} == expected


def test_folds_of_a_repeat_divide_the_published_nodules(lists: dict[FoldKey, DataList]) -> None:
    for rep in range(3):
        tested = [item.nodule_id for key, data in lists.items() if key.rep == rep for item in data.test]
        assert len(tested) == len(set(tested)) == 530


def test_tested_nodules_have_the_published_label_which_is_the_median_rule(
    lists: dict[FoldKey, DataList], published: PublishedFolds
) -> None:
    for key, data in lists.items():
        for item in data.test:
            assert item.label == published.folds[key][item.nodule_id].label == median_label(item.ratings or ())


def test_other_nodules_have_the_label_of_their_mean_rating_and_undecided_ones_stay(
    lists: dict[FoldKey, DataList],
) -> None:
    for data in lists.values():
        rest = (*data.training, *data.validation)
        assert all(item.label == label_of(item.ratings or ()) for item in rest)
        assert sum(item.label is None for item in data.training) > 50


def test_about_a_sixth_of_the_patients_that_are_left_validates(lists: dict[FoldKey, DataList]) -> None:
    for data in lists.values():
        n_validate, n_train = len(patients_of(data.validation)), len(patients_of(data.training))
        assert n_validate / (n_validate + n_train) == pytest.approx(1 / 6, abs=0.02)
        share = [sum(item.label == 1 for item in part) / len(part) for part in (data.training, data.validation)]
        assert share[0] == pytest.approx(share[1], abs=0.1)  # scikit-learn divides differently by version


def test_written_list_is_the_one_returned(ball_benchmark: Path, tmp_path: Path) -> None:
    path = tmp_path / "fold.json"
    data = write_fold(ball_benchmark, path, FoldKey(1, 2), read_published(ball_benchmark))
    assert read_data_list(path) == data
    assert (tmp_path / data.test[0].image).is_file()


def test_moved_list_finds_its_images_again_and_is_the_same_data(ball_benchmark: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "here" / "fold.json", tmp_path / "deeper" / "there" / "fold.json"
    data = write_fold(ball_benchmark, first, FoldKey(1, 2), read_published(ball_benchmark))
    second.parent.mkdir(parents=True)
    shutil.copy(first, second)
    assert not (second.parent / data.test[0].image).is_file()
    point_to_crops(second, ball_benchmark)
    moved = read_data_list(second)
    assert all((second.parent / item.image).is_file() for _, item in moved.items())
    assert hash_data(moved) == moved.data_hash == data.data_hash


def test_folds_are_chosen_by_repeat_and_number(ball_benchmark: Path) -> None:
    published = read_published(ball_benchmark)
    assert published.select([1], [3, 0]) == [FoldKey(1, 0), FoldKey(1, 3)]
    with pytest.raises(UsageError, match=r"Expected folds of rep1_fold0, .* got repeats \[0\] and folds \[7\]"):
        published.select([0], [7])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("vit_small", "vit", "Expected a column 'vit_small' in"),
        ("0.95", "high", "Expected a published score in line 3"),
    ],
)
def test_bad_table_is_refused_by_name(ball_benchmark: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    table = (ball_benchmark / "published_scores.csv").read_text()
    (tmp_path / "published_scores.csv").write_text(table.replace(old, new))
    with pytest.raises(UsageError, match=message):
        read_published(tmp_path)


def test_missing_table_or_crop_is_refused_by_name(ball_benchmark: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Expected the published folds, got No such file"):
        read_published(tmp_path)
    crops = tmp_path / "crops"
    shutil.copytree(ball_benchmark, crops)
    table = crops / "published_scores.csv"
    table.write_text(table.read_text().replace("ball_00", "ball_99"))
    with pytest.raises(UsageError, match="found none of ball_99 of rep1_fold0"):
        write_fold(crops, tmp_path / "list.json", FoldKey(1, 0), read_published(crops))
