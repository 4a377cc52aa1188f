"""Is a calibration of the weights, the validation patients and the list that it says it is of?"""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.data.data_list import hash_data, read_data_list, write_data_list
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.train import train
from nodulus.transforms.problems import InputRefusedError, UsageError
from tests.support.tiny_training import EVALUATED, TINY


def test_calibration_is_fitted_to_the_validation_patients_and_names_its_weights(
    data_list: Path, calibrated: Path
) -> None:
    fitted = read_calibration(calibrated.with_name("calibration.json"), sha256_of(calibrated))
    assert fitted.fitted_on.model_dump(exclude={"data_hash"}) == {
        "split": "validation", "nodules": 12, "patients": 6, "malignant": 6, "benign": 6,
    }  # fmt: skip
    assert [point.name for point in fitted.operating_points] == ["high_sensitivity", "high_specificity"]
    # 21 training nodules through two boxes; the largest is that of the training split, not of the list.
    assert fitted.training_range.n_samples == 42
    items = read_data_list(data_list).training
    assert fitted.training_range.diameter_mm[1] == max(item.diameter_mm for item in items)
    assert fitted.malignant_by_size(4.0) < 0.5 < fitted.malignant_by_size(14.0)
    known = read_training_patients(calibrated.with_name("training_patients.json"))
    assert overlap(["patient 0", "patient 10", "patient 15"], known) == ["patient 0"]
    known = read_training_patients(calibrated.with_name("validation_patients.json"))
    assert overlap(["patient 0", "patient 10", "patient 15"], known) == ["patient 10", "patient 15"]


def test_calibration_needs_weights_and_labels_of_both_classes(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Expected trained weights, found no file"):
        calibrate(data_list, tmp_path / "model.pt", bundle)


def test_calibration_refuses_a_file_that_holds_no_such_weights(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("no weights")
    with pytest.raises(InputRefusedError, match="untrusted_bundle: Expected the state dict of the bundle's network"):
        calibrate(data_list, tmp_path / "model.pt", bundle, **EVALUATED)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_weights_keep_the_patients_that_trained_them(data_list: Path, bundle: Path, calibrated: Path) -> None:
    data = read_data_list(data_list)
    other = data_list.with_name("fewer.json")
    fewer = tuple(item for item in data.training if item.patient_id != data.training[0].patient_id)
    write_data_list(data.model_copy(update={"training": fewer}), other)
    noted = calibrated.with_name("training_patients.json").read_bytes()
    with pytest.raises(UsageError, match=r"trained on, got other training patients in .*fewer.json"):
        calibrate(other, calibrated, bundle, **EVALUATED)
    with pytest.raises(UsageError, match=r"Expected the data list that the run in .* was begun with, SHA-256"):
        train(other, calibrated.parent, bundle, max_epochs=9, resume=True, **TINY)
    assert calibrated.with_name("training_patients.json").read_bytes() == noted


def test_a_list_is_named_by_its_content_not_by_what_it_says_of_itself(data_list: Path, calibrated: Path) -> None:
    fitted_on = read_calibration(calibrated.with_name("calibration.json")).fitted_on
    assert fitted_on.data_hash == hash_data(read_data_list(data_list))
