"""How often does each way in parse the data list?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from monai.bundle import run

from nodulus.pipeline import json_files
from nodulus.pipeline.data import data_list as reader
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.train import train
from tests.support.tiny_training import EVALUATED, TINY

Door = Callable[[Path, Path, Path, Path], object]


def through_monai(data_list: Path, bundle: Path, weights: Path, out: Path) -> None:
    """Evaluate as ``python -m monai.bundle run`` does."""
    values = {"bundle_root": bundle, "data_list": data_list, "weights": weights, "output_dir": out}
    run(config_file=str(bundle / "configs" / "evaluate.json"), **{k: str(v) for k, v in values.items()}, **EVALUATED)


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")  # MONAI's, of every config: ours is trusted
@pytest.mark.parametrize(
    ("door", "parses"),
    [
        (lambda data_list, bundle, _, out: train(data_list, out, bundle, max_epochs=1, **TINY), 1),
        (lambda data_list, bundle, weights, _: calibrate(data_list, weights, bundle, **EVALUATED), 1),
        (
            lambda data_list, bundle, weights, out: evaluate_bundle(
                data_list, out, bundle, weights=str(weights), n_resamples=20, **EVALUATED
            ),
            1,
        ),
        # The dataset and the report each get the list from the config, by its path.
        (through_monai, 2),
    ],
    ids=["nodulus train", "nodulus calibrate", "nodulus evaluate", "monai.bundle run evaluate.json"],
)
def test_a_list_is_parsed_once_a_door(
    door: Door,
    parses: int,
    data_list: Path,
    bundle: Path,
    calibrated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(calibrated.parent, tmp_path / "models")
    parsed: list[Path] = []
    original = json_files.read_json_as

    def counted(kind: type[reader.DataList], path: Path, expected: str, *, named_by: str) -> reader.DataList:
        parsed.append(path)
        return original(kind, path, expected, named_by=named_by)

    monkeypatch.setattr(reader, "read_json_as", counted)
    door(data_list, bundle, tmp_path / "models" / "model.pt", tmp_path / "out")
    assert parsed == [data_list] * parses
