"""The network alone: each engine's session on patches of a phantom."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from nodulus.pipeline.audit.export_manifest import EXPORT_FILES, EXPORTS, parse_exports
from nodulus.pipeline.audit.gate import read_trusted
from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.load import load_torch
from nodulus.pipeline.engines.sessions import open_session

from .blocks import Call, seconds_in_blocks


def network_seconds(bundle: Path, batch_size: int, n_blocks: int, n_calls: int) -> dict[str, float]:
    """Return the median time (s) of a forward pass by engine."""
    whole = load_torch(bundle, read_trusted(bundle, INFERENCE_CONFIG), "cpu")
    patches = whole.patches((items_of_phantom() * batch_size)[:batch_size])

    def by_torch() -> object:
        with torch.no_grad():
            return whole.network(patches)

    calls: dict[str, Call] = {"torch": by_torch}
    for export in parse_exports((bundle / EXPORTS).read_bytes()).exports:
        session = open_session(export.engine, [(bundle / name).read_bytes() for name in EXPORT_FILES[export.engine]])
        calls[export.engine] = partial(session, np.ascontiguousarray(patches.numpy()))
    return seconds_in_blocks(calls, n_blocks, n_calls)
