"""Two sites with tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.tiny_training import write_tiny_list


@pytest.fixture(scope="session")
def lists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the lists of two sites, the second with fewer nodules to train on."""
    folder = tmp_path_factory.mktemp("sites")
    large = write_tiny_list(folder)
    content = json.loads(large.read_text())
    content["training"] = content["training"][:14]
    small = folder / "small.json"
    small.write_text(json.dumps(content))
    return {"large": large, "small": small}
