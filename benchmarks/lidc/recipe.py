"""How a network is trained, as one number: equal for two configs that train alike."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

# An entry of a config that trains nothing.
SHOWS_ERRORS = {"_target_": "nodulus.pipeline.end_in_one_line"}
# What is spelled otherwise since the first record, and means the same: now a device's name will do, too.
_AS_BEFORE = {"$torch.device(@device).type == 'cuda'": "$@device.type == 'cuda'"}
# What leaves the network as it is, by its defaults: random weights, of which all learn.
_BEGINS = "begin_network"
_DEFAULTS = {"init": None, "freeze_until": None}


def train_recipe_sha256(config: Path) -> str:
    """Return the SHA-256 of a ``train.json`` without its layout and without the modules that its classes live in.

    Where a class lives changes no training, nor how an error is shown; every other number and name counts.
    """
    recipe = _with_bare_targets(json.loads(config.read_text(encoding="utf-8")))
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _with_bare_targets(node: object) -> object:
    if isinstance(node, str):
        return _AS_BEFORE.get(node, node)
    if isinstance(node, dict):
        if str(node.get("_target_")).endswith(f".{_BEGINS}"):
            return _with_bare_targets(node["network"])
        return {
            key: value.rpartition(".")[2] if key == "_target_" else _with_bare_targets(value)
            for key, value in node.items()
            if not (key in _DEFAULTS and value == _DEFAULTS[key])
        }
    if isinstance(node, list):
        return [_with_bare_targets(each) for each in node if each != SHOWS_ERRORS]
    return node
