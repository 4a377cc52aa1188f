"""The Python door: what it takes and what it refuses."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch

from nodulus.pipeline import Scorer
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.readout.brock import RiskFactors, brock_probability
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.scoring.cases import Case
from nodulus.transforms.problems import InputRefusedError, UsageError


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle, device="cpu")


def mapping(study: DemoStudy, **changes: Any) -> dict[str, Any]:
    nodule = study.marked.nodules[0]
    return {"nodule_id": "1", "center_lps_mm": nodule.center_lps_mm, "diameter_mm": 9.0, **changes}


def test_numpy_tensors_and_strings_are_taken_alike(study: DemoStudy, scorer: Scorer) -> None:
    center = study.marked.nodules[0].center_lps_mm
    results = [
        scorer.score(path, [mapping(study, center_lps_mm=point)]).nodules[0].probabilities
        for path in (study.nifti, str(study.nifti))
        for point in (center, np.asarray(center), torch.tensor(center, dtype=torch.float64))
    ]
    assert all(one == results[0] for one in results)


def test_a_nodule_scores_the_same_alone_and_among_others(study: DemoStudy, scorer: Scorer) -> None:
    together = scorer.score(study.dicom_folder, study.nodule_table)
    assert len(together.nodules) > 1
    for nodule, expected in zip(study.marked.nodules, together.nodules, strict=True):
        (alone,) = scorer.score(study.dicom_folder, [nodule]).nodules
        assert alone.probabilities is not None
        assert expected.probabilities is not None
        assert alone.probabilities.malignant == pytest.approx(expected.probabilities.malignant, abs=1e-6)


def test_the_same_id_twice_is_refused(study: DemoStudy, scorer: Scorer) -> None:
    with pytest.raises(UsageError, match="each nodule_id once"):
        scorer.score(study.nifti, [mapping(study), mapping(study, diameter_mm=12.0)])


def test_a_box_elsewhere_is_refused(study: DemoStudy, scorer: Scorer) -> None:
    x, y, z = study.marked.nodules[0].center_lps_mm
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
    nodules = study.marked.nodules[:1]
    cases = [Case("gone", tmp_path / "gone", nodules), Case("here", study.nifti, nodules)]
    assert [result.status for result in scorer.score_many(cases)] == ["refused", "scored"]


def test_weights_of_another_network_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "bundle"
    for folder in ("configs", "models"):
        (other / folder).mkdir(parents=True)
    for name in ("inference.json", "metadata.json"):
        (other / "configs" / name).write_bytes((bundle / "configs" / name).read_bytes())
    torch.save({"weight": torch.zeros(3)}, other / "models" / "model.pt")
    calibration = json.loads((bundle / "models" / "calibration.json").read_text())
    calibration["weights_sha256"] = hashlib.sha256((other / "models" / "model.pt").read_bytes()).hexdigest()
    (other / "models" / "calibration.json").write_text(json.dumps(calibration))
    with pytest.raises(InputRefusedError, match=r"untrusted_bundle: Expected the state dict"):
        Scorer(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights_sha256": "0" * 64}, "Expected the calibration of weights [0-9a-f]{12}, got that of 0{12} in"),
        (
            {"network": {"slope": "steep", "intercept": 0}},
            r"Expected a calibration, got network.slope: Input.* in ",
        ),
        ({"operating_points": None}, r"Expected a calibration, got operating_points: Input.* in "),
        ({"operating_points": []}, r"got the file: expected the operating points high_sensitivity, .*, got none"),
        ({"unheard_of": 1}, r"Expected a calibration, got unheard_of: Extra.* in "),
    ],
)
def test_a_calibration_that_does_not_belong_is_refused(
    change: dict[str, object], message: str, bundle: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(bundle, tmp_path / "bundle")
    calibration = json.loads((other / "models" / "calibration.json").read_text())
    (other / "models" / "calibration.json").write_text(json.dumps(calibration | change))
    with pytest.raises(InputRefusedError, match=message) as refusal:
        Scorer(other)
    assert refusal.value.problem.code == "untrusted_bundle"
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("n_rows", "n_means", "message"),
    [(3, 10, "got training_range.outputs: expected a precision of 10 rows of 10"), (3, 3, "a training range of 10")],
)
def test_a_training_range_of_another_network_is_refused_before_any_case(
    n_rows: int, n_means: int, message: str, bundle: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(bundle, tmp_path / "bundle")
    calibration = json.loads((other / "models" / "calibration.json").read_text())
    limits = {"mean": [0.0] * n_means, "precision": [[1.0] * n_rows] * n_rows}
    calibration["training_range"]["outputs"] |= limits
    (other / "models" / "calibration.json").write_text(json.dumps(calibration))
    with pytest.raises(InputRefusedError, match=message):
        Scorer(other)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    state = network.state_dict() | {"bias": torch.tensor([0.0, float("nan")])}
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(InputRefusedError, match=r"untrusted_bundle: Expected finite weights in model.pt, .* in bias"):
        load_weights(network, tmp_path / "model.pt")


def test_damaged_weights_are_refused_in_words_of_our_own(tmp_path: Path) -> None:
    network, path = torch.nn.Linear(3, 2), tmp_path / "model.pt"
    torch.save(network.state_dict(), path)
    content, rng = path.read_bytes(), random.Random(0)
    torch.save({"weight": torch.zeros(2, 3), "bias": "none"}, path)
    strange = [path.read_bytes(), b"", b"PK\x03\x04", b"\x80\x02.", b"no weights"]
    for index, length in enumerate([0] * 200 + [*range(1, len(content), 97)]):
        changed = bytearray(content[:length] if length else content)
        changed[rng.randrange(len(changed))] = rng.randrange(256)
        strange.append(bytes(changed) if index % 2 else bytes(changed[::-1]))
    n_refused = 0
    for each in strange:
        path.write_bytes(each)
        try:
            load_weights(network, path)
        except InputRefusedError as refusal:
            n_refused += 1
            message = refusal.problem.message
            expected = r"Expected (the state dict of the bundle's network|finite weights) in model.pt, got "
            ours = expected + r"(a damaged file|one \w+$|names or shapes|NaN or)"
            told = re.match(ours, message)
            if told is None:
                pytest.fail(message)
    assert n_refused > 100


def test_a_bundle_without_calibration_is_not_whole(bundle: Path, tmp_path: Path) -> None:
    other = shutil.copytree(bundle, tmp_path / "bundle")
    (other / "models" / "calibration.json").unlink()
    with pytest.raises(UsageError, match=r"models/calibration\.json missing from"):
        Scorer(other)


def test_what_stands_beside_a_score_follows_from_its_logits_and_the_calibration(bundle: Path, study: DemoStudy) -> None:
    calibration = json.loads((bundle / "models" / "calibration.json").read_text())
    case = Scorer(bundle, device="cpu").score(study.dicom_folder, study.nodule_table)
    for nodule in case.nodules:
        assert nodule.logits is not None
        assert nodule.probabilities is not None
        assert nodule.size_only is not None
        odds = np.exp(calibration["network"]["slope"] * (nodule.logits[1] - nodule.logits[0]))
        odds *= np.exp(calibration["network"]["intercept"])
        assert nodule.probabilities.malignant == pytest.approx(odds / (1 + odds), abs=1e-6)
        by_size = nodule.diameter_mm ** calibration["size_only"]["slope"] * np.exp(
            calibration["size_only"]["intercept"]
        )
        assert nodule.size_only.malignant == pytest.approx(by_size / (1 + by_size), abs=1e-9)
        assert list(nodule.characteristics) == list(CHARACTERISTICS)
        for logit, (name, scale) in zip(nodule.logits[2:], CHARACTERISTICS.items(), strict=True):
            wanted = scale.low + (scale.high - scale.low) / (1 + np.exp(-logit))
            assert nodule.characteristics[name] == pytest.approx(wanted, abs=1e-5)
        points = {point["name"]: point["threshold"] for point in calibration["operating_points"]}
        assert nodule.above == {name: nodule.probabilities.malignant >= at for name, at in points.items()}


def test_a_nodule_smaller_than_those_trained_on_is_scored_and_flagged_in_words(bundle: Path, study: DemoStudy) -> None:
    center = study.marked.nodules[0].center_lps_mm
    scored = Scorer(bundle, device="cpu").score(
        study.dicom_folder, [{"nodule_id": "small", "center_lps_mm": center, "diameter_mm": 2.0}]
    )
    (nodule,) = scored.nodules
    assert nodule.probabilities is not None
    assert {flag.code for flag in nodule.flags} == {"outside_training_range"}
    (size,) = [flag for flag in nodule.flags if flag.items == ("diameter",)]
    assert "got 2.0 mm" in size.message


def test_the_brock_model_answers_where_the_table_tells_its_factors(bundle: Path, study: DemoStudy) -> None:
    place = {"center_lps_mm": study.marked.nodules[0].center_lps_mm, "diameter_mm": 12.0}
    known = {"age": "65", "sex": "F", "family_history": "no", "emphysema": "yes", "nodule_type": "solid", "lobe": "RUL"}
    known |= {"nodule_count": "2", "spiculation": "yes"}
    tables = {"all": known, "some": {"age": "65"}, "none": {}, "odd": known | {"sex": "unclear"}}
    case = Scorer(bundle, device="cpu").score(
        study.dicom_folder, [{"nodule_id": name, **place, **told} for name, told in tables.items()]
    )
    brock = {nodule.nodule_id: nodule.brock for nodule in case.nodules}
    assert brock["none"] is None
    assert brock["all"] is not None
    assert brock["all"].probability_cancer == pytest.approx(
        brock_probability(12.0, RiskFactors(65, "F", False, True, "solid", True, 2, True))
    )
    assert brock["some"] is not None
    assert (brock["some"].probability_cancer, len(brock["some"].missing)) == (None, 7)
    assert brock["odd"] is not None
    assert brock["odd"].probability_cancer is None
    assert "unclear" in (brock["odd"].problem or "")


def test_an_image_in_memory_scores_as_its_file_does(study: DemoStudy, scorer: Scorer, tmp_path: Path) -> None:
    as_itk, as_nibabel = sitk.ReadImage(str(study.nifti)), nib.load(study.nifti)
    from_file = scorer.score(study.nifti, study.marked.nodules)
    for image, name in ((as_itk, "SimpleITK image"), (as_nibabel, "nibabel image")):
        held = scorer.score(image, study.nodule_table)
        assert (held.case_id, held.input) == (name, name)
        assert [warning.code for warning in held.warnings] == [warning.code for warning in from_file.warnings]
        for ours, filed in zip(held.nodules, from_file.nodules, strict=True):
            assert ours.probabilities is not None
            assert filed.probabilities is not None
            assert ours.probabilities.malignant == pytest.approx(filed.probabilities.malignant, abs=1e-6)
    with pytest.raises(InputRefusedError, match="mixed_series"):
        scorer.score(sitk.JoinSeries([as_itk, as_itk]), study.nodule_table)
    with pytest.raises(UsageError, match="a SimpleITK or a nibabel image, got one ndarray"):
        scorer.score(np.zeros((4, 4, 4)), study.nodule_table)
