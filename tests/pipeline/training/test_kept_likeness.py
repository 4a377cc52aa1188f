"""New weights keep the likeness of the bundle where the patches are cut as it says, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodulus.pipeline.bundle.folder import CALIBRATION, EVALUATE_CONFIG, find_bundle
from nodulus.pipeline.readout.calibration import read_calibration, write_calibration
from nodulus.pipeline.readout.nodule_likeness import NoduleLikeness
from nodulus.pipeline.training.kept_likeness import kept_likeness
from tests.support.likeness import likeness_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped bundle's config and calibration, without weights."""
    shipped = find_bundle()
    for part in (CALIBRATION, EVALUATE_CONFIG):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_bytes((shipped / part).read_bytes())
    return tmp_path


def put(likeness: NoduleLikeness | None, folder: Path) -> None:
    calibration = read_calibration(folder / CALIBRATION)
    limits = calibration.training_range.model_copy(update={"likeness": likeness})
    write_calibration(calibration.model_copy(update={"training_range": limits}), folder / CALIBRATION)


def test_it_is_kept_where_patches_are_cut_alike(folder: Path) -> None:
    put(likeness_of(around_fill=-2.0), folder)

    assert kept_likeness(folder, {"device": "cpu"}) == likeness_of(around_fill=-2.0)


@pytest.mark.parametrize(
    "changes", [{"patch_size": [49, 49, 25]}, {"patch_spacing_mm": 0.7}, {"margin_mm": [4.0, 5.0, 0.0]}]
)
def test_it_is_left_out_where_patches_are_cut_another_way(folder: Path, changes: dict[str, object]) -> None:
    put(likeness_of(), folder)
    assert kept_likeness(folder, changes) is None

    config = json.loads((folder / EVALUATE_CONFIG).read_text())
    (folder / EVALUATE_CONFIG).write_text(json.dumps(config | changes))
    assert kept_likeness(folder, {}) is None


def test_there_is_none_without_one_in_the_bundle(folder: Path) -> None:
    put(None, folder)
    assert kept_likeness(folder, {}) is None

    (folder / CALIBRATION).unlink()
    assert kept_likeness(folder, {}) is None
