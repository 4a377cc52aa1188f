"""The measurement of outlines: what the crops are, what an agreement is, and that the model is the fitted one."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from benchmarks.places import RECORDS
from benchmarks.volume import cross_fit, page
from benchmarks.volume.crops import Crop
from benchmarks.volume.fit import fit, module_text, quadratic_terms
from benchmarks.volume.measure import agreement, ball, settled_ratio
from benchmarks.volume.point_only import METHODS
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.measures import outline_model
from nodulus.transforms.measures.outline import VoxelModel, outline_in, voxel_probability
from nodulus.transforms.measures.outline_features import FEATURES, OutlineFeatures
from nodulus.transforms.measures.settled_volume import BALL_WEIGHT, settled_volume_mm3
from nodulus.transforms.patches.neighbourhood import Neighbourhood
from nodulus.transforms.volume import volume_from_array

SHAPE = (36, 36, 12)


def crop(diameter_mm: float = 9.0, seed: int = 0) -> Crop:
    """Return a ball in lung whose outline is the ball; its first and last slices hold none of it."""
    grid = Grid(SHAPE, affine_from((0, 0, 0), np.eye(3), (0.8, 0.8, 1.5)))
    center = tuple(grid.lps_from_voxel((np.asarray(SHAPE) - 1) / 2).tolist())
    places = grid.lps_from_voxel(np.moveaxis(np.indices(SHAPE), 0, -1)) - center
    is_nodule = np.linalg.norm(places, axis=-1) <= diameter_mm / 2
    noise = np.random.default_rng(seed).normal(0, 30, SHAPE)
    hu = (np.where(is_nodule, 20, -850) + noise).astype(np.float32)
    item = DataListItem.model_validate(
        {"image": "a.nii", "nodule_id": "a", "patient_id": "p", "center_lps_mm": center, "diameter_mm": diameter_mm}
    )
    around = Neighbourhood(volume_from_array(hu, grid), hu, (0, 0, 0))
    return Crop(item, center, diameter_mm, around, is_nodule)


def test_an_outline_agrees_with_itself_and_a_larger_ball_less() -> None:
    plain = crop()
    same = agreement(plain, plain.is_nodule)
    assert (same.dice, same.volume_ratio, same.long_axis_error_mm, same.mean_hu_error) == (1, 1, 0, 0)
    larger = agreement(plain, ball(plain))
    assert larger.volume_ratio == pytest.approx((10 / 9) ** 3, rel=0.1)
    assert larger.dice == pytest.approx(2 / (1 + larger.volume_ratio))
    assert larger.mean_hu_error < -50
    nothing = agreement(plain, np.zeros(SHAPE, dtype=np.bool_))
    assert (nothing.dice, nothing.volume_ratio) == (0, 0)


def test_an_extended_crop_holds_the_same_nodule_at_the_same_place() -> None:
    plain = crop()
    longer = plain.extended()
    assert longer.around.intensity_hu.shape[2] == SHAPE[2] + 2 * 6
    assert longer.is_nodule.sum() == plain.is_nodule.sum()
    one, other = (
        each.around.scan.grid.lps_from_voxel(np.argwhere(each.is_nodule)).mean(axis=0) for each in (plain, longer)
    )
    assert one == pytest.approx(other)
    assert (longer.around.intensity_hu[..., 0] == plain.around.intensity_hu[..., 0]).all()


def test_only_an_end_without_the_nodule_is_extended_unless_asked() -> None:
    plain = crop()
    mask = plain.is_nodule.copy()
    mask[18, 18, 0] = True
    touched = replace(plain, is_nodule=mask)
    assert touched.extended().around.intensity_hu.shape[2] == SHAPE[2] + 6
    assert touched.extended(everywhere=True).around.intensity_hu.shape[2] == SHAPE[2] + 12


def test_asking_beside_moves_the_point_and_not_the_nodule() -> None:
    moved = crop().asked(shift_mm=(1, 0, 0), factor=1.2)
    assert np.subtract(moved.center_lps_mm, crop().center_lps_mm) == pytest.approx([1, 0, 0])
    assert moved.diameter_mm == pytest.approx(10.8)
    assert (moved.is_nodule == crop().is_nodule).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_way_from_a_point_alone_finds_a_plain_ball(method: str) -> None:
    plain = crop()
    assert agreement(plain, METHODS[method](plain)).dice > 0.5


def test_a_fitted_module_gives_the_probabilities_of_its_terms(tmp_path: Path) -> None:
    model = fit([crop(diameter_mm, seed) for seed, diameter_mm in enumerate((6.0, 8.0, 10.0, 12.0))])
    (tmp_path / "model.py").write_text(module_text(model))
    written = runpy.run_path(str(tmp_path / "model.py"))
    fitted = VoxelModel(*(written[name] for name in ("MEAN", "SCALE", "COEFFICIENTS", "INTERCEPT")))
    assert fitted.coefficients == pytest.approx(model.coefficients, rel=1e-4)
    values = np.random.default_rng(0).normal(size=(20, len(FEATURES)))
    found = voxel_probability(OutlineFeatures(np.ones(20, dtype=np.bool_), values, 0.0, None), fitted)
    terms = quadratic_terms((values - np.array(fitted.mean)) / np.array(fitted.scale))
    logits = terms @ np.array(fitted.coefficients) + fitted.intercept
    assert found == pytest.approx(expit(logits), abs=1e-12)
    other = crop(9.0, 9)
    outline = outline_in(other.around, other.center_lps_mm, other.diameter_mm, fitted)
    assert outline is not None
    assert agreement(other, outline.is_nodule).dice > 0.9


def test_the_shipped_model_is_of_as_many_features() -> None:
    n = len(FEATURES)
    assert len(outline_model.MEAN) == len(outline_model.SCALE) == n
    assert len(outline_model.COEFFICIENTS) == n + n * (n + 1) // 2


def test_the_page_is_that_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "volume.md"
    copy.write_text((RECORDS / "volume.md").read_text())
    monkeypatch.setattr(page, "PAGE", copy)
    page.write_page(*(json.loads((RECORDS / name).read_text()) for name in ("volume.json", "volume-others.json")))
    assert copy.read_text() == (RECORDS / "volume.md").read_text()


def test_nodules_are_measured_by_a_model_of_other_patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patients = [f"p{number % 4}" for number in range(8)]
    plain = crop().item
    names = [{"nodule_id": f"n{k}", "patient_id": patient} for k, patient in enumerate(patients)]
    items = [plain.model_copy(update=each) for each in names]
    crops = {item.nodule_id: replace(crop(6.0 + k, k), item=item) for k, item in enumerate(items)}
    fitted: list[set[str]] = []

    def fit_and_note(known: list[Crop], seed: int) -> VoxelModel:
        fitted.append({each.item.patient_id for each in known})
        return fit(known, seed)

    monkeypatch.setattr(cross_fit, "read_crops", lambda asked, _: (crops[item.nodule_id] for item in asked))
    monkeypatch.setattr(cross_fit, "fit", fit_and_note)
    monkeypatch.setattr(cross_fit, "ProcessPoolExecutor", lambda _: nullcontext(SimpleNamespace(map=plain_map)))
    rows = cross_fit.cross_fitted(items, tmp_path)
    assert sorted(row.nodule_id for row in rows) == sorted(crops)
    assert [len(known) for known in fitted] == [2, 2]
    assert fitted[0] | fitted[1] == set(patients)
    assert not fitted[0] & fitted[1]
    record = cross_fit.record_of(rows)
    assert record["outline"]["all"]["dice"]["value"] > 0.8
    assert record["ball"]["all"]["nodules"] == 8
    by_weight = record["volume_within_25_percent_by_ball_weight"]
    assert by_weight["0"]["stated"] == record["outline"]["all"]["volume_within_25_percent"]
    assert {len(found) for found in by_weight.values()} == {2}


@pytest.mark.parametrize(("outline", "ball_weight"), [(0.5, 0.0), (2.0, 0.25), (1.0, 1.0)])
def test_volumes_together_lie_between_both(outline: float, ball_weight: float) -> None:
    together = cross_fit.Volumes(outline, 1.0).together(ball_weight)
    assert together == pytest.approx(outline ** (1 - ball_weight))


def test_the_volume_that_is_told_is_measured_with_the_diameter_asked_for() -> None:
    plain = crop()
    readers_mm3 = plain.is_nodule.sum() * plain.voxel_mm3
    expected = settled_volume_mm3(readers_mm3, plain.diameter_mm) / readers_mm3
    assert settled_ratio(plain, 1.0) == pytest.approx(expected)
    larger = settled_ratio(plain.asked(factor=1.2), 1.0)
    assert larger == pytest.approx(expected * 1.2 ** (3 * BALL_WEIGHT))


def plain_map(function: Callable[[DataListItem], object], items: list[DataListItem], **_: int) -> list[object]:
    return [function(item) for item in items]
