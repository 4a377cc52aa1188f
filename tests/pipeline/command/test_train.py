"""`nodulus train` and `nodulus calibrate` say what came of a run, and name what they wrote."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch

from nodulus.pipeline.command.main import run
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.training.train import read_progress
from nodulus.transforms.problems import UsageError


@pytest.fixture(scope="module")
def data_list(tiny_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lists") / "list.json"
    prepare_lidc(tiny_crops, path)
    return path


@pytest.mark.slow
def test_a_run_says_its_best_epoch_its_files_and_what_comes_next(
    data_list: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(["train", "--data", str(data_list), "-o", str(out), "--epochs", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    progress = read_progress(out)
    assert progress is not None
    best = f"best epoch 1 of 1, validation AUC {progress.best_metric:.4f}, weights {out / 'model.pt'}"
    assert lines[0] == best
    assert lines[1].startswith("calibrated on 4 nodules of 2 patients of the validation split")
    named = [Path(line.removeprefix("wrote ")) for line in lines if line.startswith("wrote ")]
    assert named[0] == out / "model.pt"
    assert set(named) == set(out.iterdir())
    assert (
        lines[-1] == f"next: nodulus evaluate --data {data_list} --weights {out / 'model.pt'} -o {out / 'evaluation'}"
    )
    assert run(shlex.split(lines[-1])[2:]) == 0
    assert capfd.readouterr().out.splitlines()[1] == f"wrote {out / 'evaluation' / 'report.html'}"
    assert run(["calibrate", "--data", str(data_list), "--weights", str(out / "model.pt"), "-q"]) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"cut", b"PK\x03\x04 cut", {"network": {}}, {"progress": {"epoch": 1}}])
def test_what_is_no_checkpoint_is_refused_in_one_line(
    content: bytes | dict[str, object], data_list: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "resume.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UsageError, match=r"Expected the (checkpoint|progress) of a run in .*resume.pt, got"):
        read_progress(tmp_path)
    assert run(["train", "--data", str(data_list), "-o", str(tmp_path), "--resume"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("nodulus: Expected the ")
    assert said.count("\n") == 1
