"""Key images are valid, belong to the study, and tell nobody's name in their pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import SecondaryCaptureImageStorage

from nodulus.pipeline.results.record import NoduleResult
from nodulus.pipeline.writers.key_images import write_key_images
from nodulus.pipeline.writers.scored_case import ScoredCase
from nodulus.transforms.problems import InputRefusedError
from tests.support.dicom_validators import dciodvfy_errors
from tests.support.generated_cases import GeneratedCase, generated_case

pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> GeneratedCase:
    return generated_case(24, tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def images(case: GeneratedCase, tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    paths = write_key_images(case.scored, tmp_path_factory.mktemp("images"))
    assert [path.name for path in paths] == ["1.dcm", "2.dcm", "3.dcm"]
    for path in paths:
        assert dciodvfy_errors(path) == []
    return [dcmread(path) for path in paths]


def test_there_is_one_a_nodule_in_a_series_of_the_study(case: GeneratedCase, images: list[Dataset]) -> None:
    assert [image.InstanceNumber for image in images] == [1, 2, 3]
    assert {image.SOPClassUID for image in images} == {SecondaryCaptureImageStorage}
    assert {image.StudyInstanceUID for image in images} == {case.volume.attributes["study_uid"]}
    (series_uid,) = {image.SeriesInstanceUID for image in images}
    assert series_uid != case.volume.attributes["series_uid"]
    assert len({image.SOPInstanceUID for image in images}) == 3


def test_they_show_something_in_colour(images: list[Dataset]) -> None:
    for image in images:
        assert (image.PhotometricInterpretation, image.pixel_array.shape[2]) == ("RGB", 3)
        assert len(np.unique(image.pixel_array)) > 50
        assert (image.pixel_array[..., 0] != image.pixel_array[..., 2]).any()


def test_nothing_that_users_name_is_in_the_pixels(case: GeneratedCase, images: list[Dataset], tmp_path: Path) -> None:
    assert {image.BurnedInAnnotation for image in images} == {"NO"}
    renamed = [replace_id(nodule, f"Jane Doe {n}") for n, nodule in enumerate(case.scored.result.nodules)]
    result = case.scored.result.model_copy(update={"nodules": tuple(renamed), "case_id": "Doe, Jane 1950"})
    scored = replace(case.scored, run=case.scored.run.model_copy(update={"cases": (result,)}))
    others = [dcmread(path) for path in write_key_images(scored, tmp_path)]
    for one, other in zip(images, others, strict=True):
        assert np.array_equal(one.pixel_array, other.pixel_array)
        assert "Jane Doe" in str(other.ImageComments)
        assert one.SOPInstanceUID != other.SOPInstanceUID


def replace_id(nodule: NoduleResult, name: str) -> NoduleResult:
    return nodule.model_copy(update={"nodule_id": name})


def test_the_same_case_has_the_same_images(case: GeneratedCase, images: list[Dataset], tmp_path: Path) -> None:
    assert [dcmread(path) for path in write_key_images(case.scored, tmp_path)] == images


def test_what_cannot_be_shown_is_refused(case: GeneratedCase, tmp_path: Path) -> None:
    empty = case.scored.result.model_copy(update={"nodules": ()})
    scored = ScoredCase(case.scored.run.model_copy(update={"cases": (empty,)}), case.volume)
    with pytest.raises(InputRefusedError, match="bad_nodule: Expected at least one nodule"):
        write_key_images(scored, tmp_path)
    assert write_key_images(replace(scored, volume=None), tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
