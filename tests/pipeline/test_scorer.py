"""The Python door: what it takes and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nodulus.pipeline import Scorer
from nodulus.pipeline.cases import Case
from nodulus.pipeline.demo_study import DemoStudy
from nodulus.transforms.problems import InputRefusedError, UsageError


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle, device="cpu")


def mapping(study: DemoStudy, **changes: Any) -> dict[str, Any]:
    nodule = study.cases[0].nodules[0]
    return {"nodule_id": "1", "center_lps_mm": nodule.center_lps_mm, "diameter_mm": 9.0, **changes}


def test_numpy_tensors_and_strings_are_taken_alike(study: DemoStudy, scorer: Scorer) -> None:
    center = study.cases[0].nodules[0].center_lps_mm
    results = [
        scorer.score(path, [mapping(study, center_lps_mm=point)]).nodules[0].probabilities
        for path in (study.nifti, str(study.nifti))
        for point in (center, np.asarray(center), torch.tensor(center, dtype=torch.float64))
    ]
    assert all(one == results[0] for one in results)


def test_a_nodule_scores_the_same_alone_and_among_others(study: DemoStudy, scorer: Scorer) -> None:
    together = scorer.score(study.dicom_folder, study.nodule_table)
    assert len(together.nodules) > 1
    for nodule, expected in zip(study.cases[0].nodules, together.nodules, strict=True):
        (alone,) = scorer.score(study.dicom_folder, [nodule]).nodules
        assert alone.probabilities is not None
        assert expected.probabilities is not None
        assert alone.probabilities.malignant == pytest.approx(expected.probabilities.malignant, abs=1e-6)


def test_the_same_id_twice_is_refused(study: DemoStudy, scorer: Scorer) -> None:
    with pytest.raises(UsageError, match="each nodule_id once"):
        scorer.score(study.nifti, [mapping(study), mapping(study, diameter_mm=12.0)])


def test_a_box_elsewhere_is_refused(study: DemoStudy, scorer: Scorer) -> None:
    x, y, z = study.cases[0].nodules[0].center_lps_mm
    box = [-x - 5, y - 5, z - 5, -x + 5, y + 5, z + 5]
    with pytest.raises(UsageError, match="box_lps_mm around center_lps_mm"):
        scorer.score(study.nifti, [mapping(study, box_lps_mm=box)])


def test_a_frame_beside_stated_positions_is_refused(study: DemoStudy, scorer: Scorer) -> None:
    with pytest.raises(UsageError, match="no frame"):
        scorer.score(study.nifti, [mapping(study)], frame="RAS")
    with pytest.raises(UsageError, match="LPS or RAS"):
        scorer.score(study.nifti, study.nodule_table, frame="xyz")  # type: ignore[arg-type]


def test_one_mapping_is_no_list(study: DemoStudy, scorer: Scorer) -> None:
    with pytest.raises(UsageError, match="list of nodules"):
        scorer.score(study.nifti, mapping(study))  # type: ignore[arg-type]


def test_allow_is_a_list_or_a_text(bundle: Path) -> None:
    assert Scorer(bundle, allow="tilted, lossy").how == Scorer(bundle, allow=["tilted", "lossy"]).how
    with pytest.raises(UsageError, match="everything"):
        Scorer(bundle, allow="everything")


def test_many_cases_go_on_past_one_that_fails(study: DemoStudy, scorer: Scorer, tmp_path: Path) -> None:
    nodules = study.cases[0].nodules[:1]
    cases = [Case("gone", tmp_path / "gone", nodules), Case("here", study.nifti, nodules)]
    assert [result.status for result in scorer.score_many(cases)] == ["refused", "scored"]


def test_weights_of_another_network_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "bundle"
    for folder in ("configs", "models"):
        (other / folder).mkdir(parents=True)
    for name in ("inference.json", "metadata.json"):
        (other / "configs" / name).write_bytes((bundle / "configs" / name).read_bytes())
    torch.save({"weight": torch.zeros(3)}, other / "models" / "model.pt")
    with pytest.raises(InputRefusedError, match="untrusted_bundle"):
        Scorer(other)
