"""The measures of a nodule in the record: numbers, or why there are none; they never cost a score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nodulus.pipeline import Nodule, Scorer
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.scoring.measure import METHOD, measures_of
from nodulus.transforms.measures.extent import extent_of
from nodulus.transforms.measures.outline import outline
from nodulus.transforms.problems import ProblemCode, refuse
from nodulus.transforms.scan.open import open_ct


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle, device="cpu", measures=True)


def test_every_scored_nodule_is_measured_or_it_is_said_why_not(study: DemoStudy, scorer: Scorer) -> None:
    nodules = scorer.score(study.dicom_folder, study.nodule_table).nodules
    for nodule in nodules:
        assert nodule.measures is not None
        numbers = nodule.measures.model_dump(exclude={"method", "problem"}).values()
        assert all(value is None for value in numbers) == (nodule.measures.problem is not None)
        assert any(value is None for value in numbers) == (nodule.measures.problem is not None)
    assert any(nodule.measures and nodule.measures.volume_mm3 for nodule in nodules)


def test_the_numbers_are_about_the_phantoms(study: DemoStudy, scorer: Scorer) -> None:
    for nodule in scorer.score(study.dicom_folder, study.nodule_table).nodules:
        found = nodule.measures
        if found is None or found.volume_mm3 is None:
            continue
        assert found.long_axis_mm is not None
        assert found.short_axis_mm is not None
        assert found.mean_hu is not None
        assert 0.5 < found.volume_mm3 / (np.pi / 6 * (1.12 * nodule.diameter_mm) ** 3) < 2
        # Pixels of 3.4 mm: the axes are known to about one.
        assert found.short_axis_mm <= found.long_axis_mm < 1.5 * nodule.diameter_mm + 3.4
        assert -800 < found.mean_hu < 300


def test_the_volume_is_by_outline_and_diameter_and_all_else_by_the_outline(study: DemoStudy) -> None:
    volume, nodule = open_ct(study.nifti), study.marked.nodules[2]
    found = measures_of(nodule, volume)
    drawn = outline(volume, nodule.center_lps_mm, nodule.diameter_mm)
    assert drawn is not None
    extent = extent_of(drawn.is_nodule, volume.grid.affine_lps)
    ball_mm3 = np.pi / 6 * (1.12 * nodule.diameter_mm) ** 3
    assert found.volume_mm3 == pytest.approx(extent.volume_mm3**0.75 * ball_mm3**0.25, abs=0.06)
    assert found.volume_mm3 != pytest.approx(extent.volume_mm3, rel=0.01)
    assert found.long_axis_mm == pytest.approx(extent.long_axis_mm, abs=0.006)
    assert found.short_axis_mm == pytest.approx(extent.short_axis_mm, abs=0.006)
    assert found.mean_hu == pytest.approx(drawn.around.intensity_hu[drawn.is_nodule].mean(), abs=0.06)


def test_a_slice_that_only_the_outline_needs_costs_the_measures_alone(study: DemoStudy) -> None:
    volume = open_ct(study.nifti)
    nodule = study.marked.nodules[0]

    def read_box(low: object, high: object) -> NDArray[np.float32]:
        raise refuse(ProblemCode.UNREADABLE, "Expected a slice, got noise in slice_7.dcm")

    found = measures_of(nodule, replace(volume, read_box=read_box))
    assert found == Measures(method=METHOD, problem="Expected a slice, got noise in slice_7.dcm")


def test_where_no_nodule_lies_nothing_is_measured(study: DemoStudy, scorer: Scorer) -> None:
    x, y, z = study.marked.nodules[0].center_lps_mm
    beside = Nodule("beside", (x, y, z + 40), 8.0)
    (nodule,) = scorer.score(study.nifti, [beside]).nodules
    assert nodule.measures is not None
    assert nodule.measures.volume_mm3 is None
    assert nodule.measures.problem is not None


def test_a_nodule_that_was_not_scored_is_not_measured(study: DemoStudy, scorer: Scorer) -> None:
    (nodule,) = scorer.score(study.nifti, [Nodule("far", (900.0, 900.0, 900.0), 8.0)]).nodules
    assert nodule.problem is not None
    assert nodule.measures is None
