"""A bundle like the shipped one whose network costs next to nothing: what is timed with it is all but the network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from monai.bundle import ConfigParser

from benchmarks.places import BUNDLE
from nodulus.pipeline.files import sha256_of

_SMALL = {"layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 8, 8]}


def write_small_bundle(folder: Path) -> Path:
    """Write the bundle with some thousand random weights, the same at each call, and return its folder.

    Its scores mean nothing; patch, readout and files are those of the shipped one.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BUNDLE, folder, ignore=shutil.ignore_patterns("docs", "*.pt"))
    weights = folder / "models" / "model.pt"
    for name in ("train", "evaluate", "inference"):
        path = folder / "configs" / f"{name}.json"
        config = json.loads(path.read_text())
        config["network_def"].update(_SMALL)
        path.write_text(json.dumps(config | ({"start_weights": ""} if name == "train" else {}), indent=4))
    torch.manual_seed(0)
    torch.save(ConfigParser(config).get_parsed_content("network_def").state_dict(), weights)
    _name_weights(folder / "models" / "calibration.json", sha256_of(weights))
    return folder


def _name_weights(calibration: Path, sha256: str) -> None:
    said = json.loads(calibration.read_text())
    calibration.write_text(json.dumps(said | {"weights_sha256": sha256}))
