"""What one network of both readouts costs beside the shipped one: by each engine, and on the disk."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.engines.blocks import seconds_in_blocks
from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.engines.export_files import NetworkExports
from nodulus.pipeline.engines.sessions import open_session
from nodulus.pipeline.federated.exchange import ExchangedNetworks

from .study import BOTH, LATE

ENGINES: tuple[ExportedEngine, ...] = ("onnx", "openvino")


def cost(bundle: Path, n_blocks: int, n_calls: int) -> dict[str, Any]:
    """Return the median milliseconds of one patch by engine, and the megabytes of weights, of both networks."""
    of_late_stages = ExchangedNetworks(str(bundle), overrides={"network_def::_target_": "ResNet"})
    networks = {LATE: of_late_stages.network.eval(), BOTH: ExchangedNetworks(str(bundle)).network.eval()}
    patch = torch.rand(1, 1, *json.loads((bundle / TRAIN_CONFIG).read_text(encoding="utf-8"))["patch_size"])
    calls: dict[str, Callable[[], object]] = {}
    for name, network in networks.items():
        calls[f"torch {name}"] = partial(_torch, network.to(memory_format=torch.channels_last_3d), patch)
        exports = NetworkExports(network, patch.repeat(2, 1, 1, 1, 1), {})
        for engine in ENGINES:
            calls[f"{engine} {name}"] = partial(open_session(engine, exports.files(engine)), patch.numpy())
    seconds = seconds_in_blocks(calls, n_blocks, n_calls)
    return {
        "milliseconds": {
            engine: {name: 1e3 * seconds[f"{engine} {name}"] for name in networks} for engine in ("torch", *ENGINES)
        },
        "megabytes": {name: _megabytes(network) for name, network in networks.items()},
        "threads": torch.get_num_threads(),
    }


def _torch(network: torch.nn.Module, patch: torch.Tensor) -> object:
    with torch.inference_mode():
        return network(patch)


def _megabytes(network: torch.nn.Module) -> float:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return len(file.getvalue()) / 1e6
