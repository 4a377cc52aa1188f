"""Is a recipe's number that of how the record's networks were trained, and does it change with what trains?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lidc.recipe import SHOWS_ERRORS, train_recipe_sha256
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG


def recipe(config: dict[str, Any], folder: Path) -> str:
    path = folder / "train.json"
    path.write_text(json.dumps(config))
    return train_recipe_sha256(path)


def test_the_shipped_config_trains_as_the_networks_of_the_record_were(bundle: Path) -> None:
    record = json.loads((bundle / "docs" / "benchmark.json").read_text())
    assert train_recipe_sha256(bundle / TRAIN_CONFIG) == record["networks"]["train_recipe_sha256"]


@pytest.mark.parametrize(
    "change",
    [
        {"initialize": ["$monai.utils.set_determinism(seed=@seed)"]},
        {"initialize": [SHOWS_ERRORS, SHOWS_ERRORS, "$monai.utils.set_determinism(seed=@seed)"]},
        {"amp": "$@device.type == 'cuda'"},
    ],
    ids=str,
)
def test_what_shows_errors_or_names_the_device_does_not_count(
    change: dict[str, Any], bundle: Path, tmp_path: Path
) -> None:
    config = json.loads((bundle / TRAIN_CONFIG).read_text())
    assert recipe(config | change, tmp_path) == recipe(config, tmp_path)


@pytest.mark.parametrize(
    "change", [{"initialize": []}, {"amp": False}, {"seed": 1}, {"initialize": [SHOWS_ERRORS, "$print(0)"]}], ids=str
)
def test_whatever_else_counts(change: dict[str, Any], bundle: Path, tmp_path: Path) -> None:
    config = json.loads((bundle / TRAIN_CONFIG).read_text())
    assert recipe(config | change, tmp_path) != recipe(config, tmp_path)
