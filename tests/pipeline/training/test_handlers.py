"""What the training's handlers say."""

from __future__ import annotations

import logging

import pytest
import torch
from ignite.engine import Engine

from nodulus.pipeline.training.handlers import StateDeterminism


@pytest.mark.parametrize(
    ("device", "level", "said"),
    [
        ("cpu", logging.INFO, "Deterministic: seed, data and"),
        ("cuda", logging.WARNING, "Not deterministic on cuda: max_pool3d and adaptive_avg_pool3d backwards"),
    ],
)
def test_a_run_says_what_its_seed_decides(device: str, level: int, said: str, caplog: pytest.LogCaptureFixture) -> None:
    trainer = Engine(lambda engine, batch: None)
    trainer.logger = logging.getLogger("trainer")
    StateDeterminism(torch.device(device)).attach(trainer)
    with caplog.at_level(logging.INFO, logger="trainer"):
        trainer.run([0], max_epochs=1)
    (line,) = [record for record in caplog.records if said in record.getMessage()]
    assert line.levelno == level
