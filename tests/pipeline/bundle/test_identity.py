"""What is said of a bundle that is not ours, or not whole."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from nodulus.pipeline.bundle.folder import CALIBRATION, METADATA, WEIGHTS
from nodulus.pipeline.bundle.identity import identify, read_metadata
from nodulus.transforms.problems import InputRefusedError, UsageError

# Sentences that are pydantic's, torch's or Python's own.
FOREIGN_WORDS = ("Field required", "Input should", "KeyError", "PytorchStreamReader", "pickle", "weights_only")


def copy_of(bundle: Path, folder: Path) -> Path:
    for name in (METADATA, CALIBRATION, WEIGHTS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bundle / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "got none for version and score_meaning in"),
        ({"version": "1.0", "network_data_format": {}}, "got none for score_meaning in"),
        ({"version": 3, "score_meaning": "x"}, "got none for version in"),
        ({"version": None, "score_meaning": ["x"]}, "got none for version and score_meaning in"),
        ([1], "an object, got one list in"),
        ("text", "an object, got one str in"),
    ],
)
def test_foreign_metadata_are_named_in_one_line(content: object, says: str, tmp_path: Path) -> None:
    (tmp_path / METADATA).parent.mkdir(parents=True)
    (tmp_path / METADATA).write_text(json.dumps(content))
    with pytest.raises(UsageError, match=says) as caught:
        read_metadata(tmp_path)
    said = str(caught.value)
    assert said.startswith("Expected the metadata of a nodulus bundle")
    assert "\n" not in said
    assert not [word for word in FOREIGN_WORDS if word in said]


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :]


@pytest.mark.parametrize("kind", ["flip early", "flip in the middle", "flip late", "cut", "empty", "text", "zeros"])
def test_damaged_weights_are_called_damaged_and_never_to_be_calibrated(kind: str, bundle: Path, tmp_path: Path) -> None:
    copy = copy_of(bundle, tmp_path)
    whole = (bundle / WEIGHTS).read_bytes()
    third = len(whole) // 3
    rng = random.Random(kind)
    damaged = {
        "flip early": _flip(whole, rng.randrange(20_000, third)),
        "flip in the middle": _flip(whole, rng.randrange(third, 2 * third)),
        "flip late": _flip(whole, rng.randrange(2 * third, len(whole) - 40_000)),
        "cut": whole[: rng.randrange(len(whole))],
        "empty": b"",
        "text": b"version https://git-lfs.github.com/spec/v1\n",
        "zeros": bytes(1000),
    }[kind]
    (copy / WEIGHTS).write_bytes(damaged)
    with pytest.raises(
        InputRefusedError, match=r"untrusted_bundle: Expected whole weights, got a damaged file"
    ) as error:
        identify(copy)
    assert "calibrate" not in str(error.value)
    assert "\n" not in str(error.value)
    assert not [word for word in FOREIGN_WORDS if word in str(error.value)]


def test_whole_weights_of_another_training_may_be_calibrated(bundle: Path, tmp_path: Path) -> None:
    import torch

    copy = copy_of(bundle, tmp_path)
    torch.save({"weight": torch.zeros(2)}, copy / WEIGHTS)
    with pytest.raises(InputRefusedError, match="nodulus calibrate"):
        identify(copy)
