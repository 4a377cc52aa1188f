"""Do two processes train as one network, write as one run, and hand over to one process and back?"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from nodulus.pipeline import RatingsLoss
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.evaluation.record import read_evaluation
from nodulus.pipeline.training.train import train
from tests.support.launch import run_in_processes
from tests.support.rank_probe import SIZE, whole_batch
from tests.support.tiny_training import EVALUATED, TINY

pytestmark = pytest.mark.slow
PROBE = {
    "+train#handlers": [
        {
            "_target_": "tests.support.rank_probe.WriteRank",
            "folder": "@output_dir",
            "averaged": "@averaged_network",
            "optimizer": "@optimizer",
        }
    ],
    "run": [
        {
            "_target_": "tests.support.rank_probe.one_step",
            "network": "@network",
            "loss": "@loss",
            "folder": "@output_dir",
        },
        "$@train#trainer.run()",
        {
            "_target_": "tests.support.rank_probe.drift",
            "network": "@network",
            "optimizer": "@optimizer",
            "folder": "@output_dir",
        },
    ],
}
RUN_FILES = {"model.pt", "resume.pt", "training_log.txt"}
PROBES = {f"{name}{rank}.pt" for name in ("rank", "step", "drift") for rank in (0, 1)}


def train_in_two(data_list: Path, bundle: Path, out: Path, **values: Any) -> None:
    """Train in two processes that write of themselves what the probe does."""
    probe = out.with_name(f"{out.name}_probe.json")
    probe.write_text(json.dumps(PROBE))
    configs = [bundle / "configs" / "train.json", bundle / "configs" / "multi_gpu_train.json", probe]
    paths = {"bundle_root": str(bundle), "data_list": str(data_list), "output_dir": str(out)}
    out.mkdir(exist_ok=True)
    done = run_in_processes(2, configs, **paths, **TINY, **values)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def two(data_list: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of two epochs in two processes."""
    out = tmp_path_factory.mktemp("two") / "out"
    train_in_two(data_list, bundle, out, max_epochs=2)
    return out


def of_each(out: Path, name: str) -> list[dict[str, Any]]:
    """Return what both processes wrote."""
    return [torch.load(out / f"{name}{rank}.pt", weights_only=True) for rank in (0, 1)]


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


def test_two_processes_end_with_the_same_bits(two: Path) -> None:
    first, second = of_each(two, "rank")
    assert_same(first["network"], second["network"])  # batch norm's statistics, too
    assert_same(first["averaged"], second["averaged"])
    assert not torch.equal(first["network"]["fc.weight"], of_each(two, "step")[0]["weights"]["fc.weight"])


def test_the_schedule_is_every_processs(two: Path, trained: Path) -> None:
    first, second = of_each(two, "rank")
    assert first["rates"] == second["rates"]
    assert len(set(first["rates"])) == 2
    lines = (trained / "training_log.txt").read_text().splitlines()  # of one process
    assert f"{first['rates'][0]:.2e}" == lines[1].split()[4]


def test_each_process_sees_patches_of_its_own(two: Path) -> None:
    first, second = (each["images"] for each in of_each(two, "rank"))
    assert len(first) == len(second) == 2 * 5 * 2  # epochs, batches of four, patches a process
    assert not [1 for one in first for other in second if torch.equal(one, other)]


def test_each_process_draws_its_own_augmentation(two: Path) -> None:
    first, second = (each["seeds"] for each in of_each(two, "rank"))
    assert [torch_seed for torch_seed, _ in first] == [1, 2]  # those of one process: seed 0, by epoch
    for of_torch_or_transform in (0, 1):
        assert len({seeds[of_torch_or_transform] for seeds in (*first, *second)}) == 4


def test_the_first_process_alone_writes(two: Path) -> None:
    assert {path.name for path in two.iterdir()} == RUN_FILES | PROBES
    log = (two / "training_log.txt").read_text().splitlines()
    assert [line.split()[0] for line in log] == ["epoch", "1", "2"]


def test_the_network_keeps_its_memory_layout(two: Path) -> None:
    assert [each["is_channels_last"] for each in of_each(two, "rank")] == [True, True]


def test_a_step_has_the_gradients_of_one_process_with_the_whole_batch(two: Path, bundle: Path) -> None:
    first, second = of_each(two, "step")
    assert_same(first["weights"], second["weights"])
    assert_same(first["gradients"], second["gradients"])
    config = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    config.update({key: value for key, value in TINY.items() if key.startswith("network_def")})
    network = config.get_parsed_content("network_def").eval()
    network.load_state_dict(first["weights"])
    patches, targets = whole_batch()
    assert patches.shape[-1] == SIZE == TINY["patch_size"]
    loss = RatingsLoss(config["characteristics_weight"])(network(patches), targets)
    loss.backward()
    assert float(loss.detach()) == pytest.approx((float(first["loss"]) + float(second["loss"])) / 2, rel=1e-6)
    learns = ("layer3", "layer4", "fc")
    parameters = {name: each for name, each in network.named_parameters() if name.startswith(learns)}
    assert parameters.keys() == first["gradients"].keys()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        torch.testing.assert_close(first["gradients"][name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_processes_that_drift_apart_are_stopped(two: Path) -> None:
    for each in of_each(two, "drift"):
        assert "Expected equal weights and learning rates in all 2 processes" in each["said"]
        assert each["said"].endswith("got others than the first one's in 1")
        assert each["mean"].tolist() == [0.5, 0.5]


def test_one_process_goes_on_from_two(two: Path, data_list: Path, bundle: Path, tmp_path: Path) -> None:
    for name in RUN_FILES:
        shutil.copy(two / name, tmp_path / name)
    saved = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert_same(saved["network"], of_each(two, "rank")[0]["network"])
    train(data_list, tmp_path, bundle, max_epochs=3, resume=True, **TINY)
    log = (tmp_path / "training_log.txt").read_text().splitlines()
    assert [line.split()[0] for line in log] == ["epoch", "1", "2", "3"]
    now = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert (now["progress"]["epoch"], now["progress"]["iteration"]) == (3, 15)


def test_two_processes_go_on_from_one(trained: Path, data_list: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained, out)
    train_in_two(data_list, bundle, out, max_epochs=5, resume=True)
    first, second = of_each(out, "rank")
    assert first["progress"] == second["progress"] == [5, 25]
    assert len(first["rates"]) == 5  # one epoch: four were done
    assert_same(first["network"], second["network"])
    assert_same(first["averaged"], second["averaged"])
    before, now = (torch.load(folder / "resume.pt", weights_only=True)["averaged_network"] for folder in (trained, out))
    # An average moves little in one epoch: far from what another beginning would give.
    moved = float((now["fc.weight"] - before["fc.weight"]).norm() / before["fc.weight"].norm())
    assert 0 < moved < 0.1


def test_two_processes_evaluate_as_one(data_list: Path, bundle: Path, calibrated: Path, tmp_path: Path) -> None:
    options = {"weights": str(calibrated), "n_resamples": 50, **EVALUATED}
    alone = read_evaluation(evaluate_bundle(data_list, tmp_path / "one", bundle, **options))
    configs = [bundle / "configs" / name for name in ("evaluate.json", "multi_gpu_evaluate.json")]
    paths = {"bundle_root": str(bundle), "data_list": str(data_list), "output_dir": str(tmp_path / "two")}
    done = run_in_processes(2, configs, **paths, **options, batch_size=4)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    together = read_evaluation(tmp_path / "two" / "metrics.json")
    assert together.counts == alone.counts
    for name, score in alone.scores.items():
        assert together.scores[name].auc.value == pytest.approx(score.auc.value, abs=1e-6)
    rows, others = (scores_of(tmp_path / name / "nodules.csv") for name in ("one", "two"))
    assert [row["nodule_id"] for row in rows] == [row["nodule_id"] for row in others]
    for row, other in zip(rows, others, strict=True):
        assert float(row["probability"]) == pytest.approx(float(other["probability"]), abs=1e-6)


def scores_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_writers_of_tensorboard_are_where_the_config_silences_them(name: str, bundle: Path) -> None:
    config = json.loads((bundle / "configs" / f"{name}.json").read_text())
    overlay = json.loads((bundle / "configs" / f"multi_gpu_{name}.json").read_text())
    parser = ConfigParser(config)
    silenced = [key.removesuffix("#_disabled_") for key in overlay if key.endswith("#_disabled_")]
    assert {parser[key]["_target_"] for key in silenced} <= {"TensorBoardStatsHandler"}
    assert len(silenced) == json.dumps(config).count('"TensorBoardStatsHandler"')
