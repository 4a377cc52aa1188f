"""One short training for all tests of the bundle's workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.train import train
from tests.support.tiny_training import EVALUATED, TINY, write_tiny_list


@pytest.fixture(scope="session")
def data_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a list of 17 patients, see `write_tiny_list`."""
    return write_tiny_list(tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="session")
def trained(data_list: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of four epochs."""
    out = tmp_path_factory.mktemp("trained")
    train(data_list, out, bundle, max_epochs=4, **TINY)
    return out


@pytest.fixture(scope="session")
def calibrated(data_list: Path, bundle: Path, trained: Path) -> Path:
    """Return the weights of a short run, calibrated."""
    calibrate(data_list, trained / "model.pt", bundle, **EVALUATED)
    return trained / "model.pt"
