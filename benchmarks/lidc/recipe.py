"""How a network is trained, as one number: equal for two configs that train alike."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def train_recipe_sha256(config: Path) -> str:
    """Return the SHA-256 of a ``train.json`` without its layout and without the modules that its classes live in.

    Where a class lives changes no training; every number and every name counts.
    """
    recipe = _with_bare_targets(json.loads(config.read_text(encoding="utf-8")))
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _with_bare_targets(node: object) -> object:
    if isinstance(node, dict):
        return {
            key: value.rpartition(".")[2] if key == "_target_" else _with_bare_targets(value)
            for key, value in node.items()
        }
    return [_with_bare_targets(each) for each in node] if isinstance(node, list) else node
