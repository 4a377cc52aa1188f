"""Does the train workflow learn, repeat itself to the bit, resume, and refuse what it cannot train on?"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser

from nodulus.pipeline.data.training_patients import hash_patients, read_training_patients, write_training_patients
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.handlers import ResumePoint
from nodulus.pipeline.training.train import train
from nodulus.transforms.problems import UsageError
from tests.support.tiny_training import EVALUATED, TINY


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    """Return the averaged weights after the last epoch."""
    return dict(torch.load(out / "resume.pt", weights_only=True)["averaged_network"])


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_training_writes_weights_a_log_and_a_point_to_resume_from(trained: Path, bundle: Path) -> None:
    parser = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    parser.update({key: value for key, value in TINY.items() if key.startswith("network_def")})
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(trained / "model.pt", weights_only=True))
    log = (trained / "training_log.txt").read_text().splitlines()
    assert [line.split()[0] for line in log] == ["epoch", "1", "2", "3", "4"]
    losses = [float(line.split()[1]) for line in log[1:]]
    assert losses[-1] < losses[0]


def test_the_seed_decides_the_weights_to_the_bit(data_list: Path, bundle: Path, trained: Path, tmp_path: Path) -> None:
    train(data_list, tmp_path / "again", bundle, max_epochs=4, **TINY)
    assert_same(final_weights(tmp_path / "again"), final_weights(trained))
    assert (tmp_path / "again" / "model.pt").read_bytes() == (trained / "model.pt").read_bytes()
    train(data_list, tmp_path / "other", bundle, max_epochs=2, seed=1, **TINY)
    other = final_weights(tmp_path / "other")
    assert not torch.equal(other["conv1.weight"], final_weights(trained)["conv1.weight"])


def test_a_run_that_was_broken_off_resumes_to_the_same_weights(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = ResumePoint.save

    def save_and_break(self: ResumePoint, engine: Engine) -> None:
        save(self, engine)
        if engine.state.epoch == 2:
            raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(ResumePoint, "save", save_and_break)
        with pytest.raises(RuntimeError):
            train(data_list, tmp_path, bundle, max_epochs=4, **TINY)
    train(data_list, tmp_path, bundle, max_epochs=4, resume=True, **TINY)
    assert_same(final_weights(tmp_path), final_weights(trained))
    assert (tmp_path / "model.pt").read_bytes() == (trained / "model.pt").read_bytes()
    assert len((tmp_path / "training_log.txt").read_text().splitlines()) == 5


def test_training_stops_when_it_no_longer_improves(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    train(data_list, tmp_path, bundle, max_epochs=9, patience=1, learning_rate=1e-12, averaging=1e-9, **TINY)
    assert len((tmp_path / "training_log.txt").read_text().splitlines()) < 9


def test_tensorboard_is_written_where_it_is_asked_for(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    if find_spec("tensorboard") is None:
        with pytest.raises(UsageError, match="Expected the package tensorboard"):
            train(data_list, tmp_path, bundle, max_epochs=1, tensorboard=True, **TINY)
        return
    train(data_list, tmp_path, bundle, max_epochs=1, tensorboard=True, **TINY)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))


def test_resuming_needs_a_checkpoint(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no .*resume.pt"):
        train(data_list, tmp_path, bundle, resume=True, **TINY)


def test_fewer_training_nodules_than_a_batch_are_refused(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    message = r"Expected at least {} training nodules \(one batch\), got 21 in .*list.json"
    for size, overrides in ((22, {"batch_size": 22}), (64, {"train::dataloader::batch_size": 64})):
        with pytest.raises(UsageError, match=message.format(size)):
            train(data_list, tmp_path / "out", bundle, **TINY | overrides)
    assert not (tmp_path / "out").exists()


def test_a_run_that_writes_no_weights_does_not_claim_them(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Expected the run to write .*model.pt, found none"):
        train(data_list, tmp_path, bundle, max_epochs=1, val_interval=2, **TINY)


def test_an_output_folder_that_cannot_be_written_is_refused_first(data_list: Path, bundle: Path) -> None:
    with pytest.raises(UsageError, match="Expected a folder to write to"):
        train(data_list, data_list / "out", bundle, **TINY)


def test_a_bad_list_is_refused_before_training_starts(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found no file"):
        train(tmp_path / "nowhere.json", tmp_path / "out", bundle)
    assert not (tmp_path / "out").exists()


def stages_of(network: dict[str, torch.Tensor]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in network))


def test_fine_tuning_begins_with_the_weights_that_are_named(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    init = trained / "model.pt"
    # Nothing is learned at such a rate, and the average moves nowhere.
    train(data_list, tmp_path, bundle, max_epochs=1, learning_rate=1e-12, averaging=1e-9, init=str(init), **TINY)
    after, before = final_weights(tmp_path), torch.load(init, weights_only=True)
    for name, value in before.items():
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.allclose(after[name], value, atol=1e-6), name


def test_stages_before_the_first_that_learns_keep_weights_and_statistics(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    init = trained / "model.pt"
    before = torch.load(init, weights_only=True)
    names = stages_of(before)
    assert names == ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc", "middle"]
    train(data_list, tmp_path, bundle, max_epochs=2, init=str(init), freeze_until="layer4", **TINY)
    state = torch.load(tmp_path / "resume.pt", weights_only=True)
    for part in ("network", "averaged_network"):
        for name, value in before.items():
            # The readout of the middle came with the weights, and is not solved again.
            if name.partition(".")[0] not in ("layer4", "fc"):
                # The average of equal numbers is equal but for rounding.
                off = 0.0 if part == "network" else 1e-6
                assert torch.allclose(state[part][name], value, rtol=off, atol=off), name
        assert not torch.allclose(state[part]["fc.weight"], before["fc.weight"], atol=1e-5)


def test_a_fine_tuning_that_was_broken_off_resumes_to_the_same_weights(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    options = TINY | {"init": str(trained / "model.pt"), "freeze_until": "layer4"}
    # The schedule goes over all epochs, also where a run ends early.
    schedule: dict[str, Any] = {"lr_scheduler::t_total": 4}
    train(data_list, tmp_path / "whole", bundle, max_epochs=4, **schedule, **options)
    train(data_list, tmp_path / "parts", bundle, max_epochs=2, **schedule, **options)
    train(data_list, tmp_path / "parts", bundle, max_epochs=4, resume=True, **schedule, **TINY)
    assert_same(final_weights(tmp_path / "parts"), final_weights(tmp_path / "whole"))
    other = str(tmp_path / "whole" / "model.pt")
    with pytest.raises(UsageError, match=r"Expected the freeze_until that the run in .* began with, layer4, got fc"):
        train(data_list, tmp_path / "parts", bundle, max_epochs=5, resume=True, freeze_until="fc", **TINY)
    with pytest.raises(UsageError, match=r"Expected the init that the run in .* began with, model.pt, got"):
        train(data_list, tmp_path / "parts", bundle, max_epochs=5, resume=True, init=other, **TINY)


def test_whoever_trained_the_first_weights_trained_the_new_ones(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    start = tmp_path / "start"
    start.mkdir()
    shutil.copy(trained / "model.pt", start / "model.pt")
    write_training_patients(hash_patients(["Someone else"]), start / "training_patients.json")
    weights = train(data_list, tmp_path / "run", bundle, max_epochs=1, init=str(start / "model.pt"), **TINY)
    calibrate(data_list, weights, bundle, **EVALUATED)
    known = read_training_patients(tmp_path / "run" / "training_patients.json")
    assert known.knows("someone else ")
    assert known.knows("patient 0")
    assert not known.knows("nobody")
    calibrate(data_list, weights, bundle, **EVALUATED)  # is of the same patients still
    weights = train(data_list, tmp_path / "run", bundle, max_epochs=1, **TINY)  # anew, from nothing
    calibrate(data_list, weights, bundle, **EVALUATED)
    assert not read_training_patients(tmp_path / "run" / "training_patients.json").knows("someone else")


def test_validation_patients_who_trained_the_first_weights_are_refused(
    data_list: Path, bundle: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copy(trained / "model.pt", tmp_path / "model.pt")
    write_training_patients(hash_patients(["PATIENT 11 "]), tmp_path / "training_patients.json")
    with pytest.raises(UsageError, match=r"that .*model.pt was not trained on, got 1 in .* patient 11 for one"):
        train(data_list, tmp_path / "run", bundle, init=str(tmp_path / "model.pt"), **TINY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init": "nowhere.pt"}, r"Expected weights to begin with, found no file nowhere\.pt"),
        ({"freeze_until": "layer2"}, r"Expected the stages before layer3 to stay as they are.* got one that learns"),
        ({"freeze_until": "head"}, r"Expected a stage of the network to freeze until, of .*, got head"),
    ],
)
def test_what_cannot_be_begun_with_is_refused(
    options: dict[str, str], message: str, data_list: Path, bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        train(data_list, tmp_path / "out", bundle, **TINY | options)
