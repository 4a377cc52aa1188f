"""The engines that tests need, and a bundle with exports for all of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.engine import EXPORTED
from nodulus.pipeline.engines.export import export_network
from nodulus.pipeline.engines.sessions import PACKAGE_OF, engine_version


def need(engine: ExportedEngine) -> None:
    """Skip the test where an engine is not installed, and fail it in CI."""
    if engine_version(engine) is None:
        reason = f"{PACKAGE_OF[engine]} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; CI needs it (the extras onnx and openvino)")
        pytest.skip(reason)


def installed() -> list[ExportedEngine]:
    """Return the engines that are installed."""
    return [engine for engine in EXPORTED if engine_version(engine) is not None]


def inference_config(bundle: Path) -> dict[str, Any]:
    """Return the content of a bundle's inference config."""
    content: dict[str, Any] = json.loads((bundle / "configs" / "inference.json").read_text())
    return content


def bundle_with_exports(bundle: Path, folder: Path) -> Path:
    """Return a copy of a bundle with exports for all engines that are installed."""
    copy = shutil.copytree(bundle, folder / bundle.name)
    export_network(copy, inference_config(copy), installed(), items_of_phantom()[:6])
    return copy


def spread(item: dict[str, Any], n: int, reach_mm: float = 12.0) -> list[dict[str, Any]]:
    """Return a work item at its place and at others about it, as large as it is and otherwise."""
    draw = np.random.default_rng(0)
    moves = [np.zeros(3), *(draw.uniform(-reach_mm, reach_mm, 3) for _ in range(n - 1))]
    sizes = [1.0, *draw.uniform(0.5, 2.0, n - 1)]
    center = np.asarray(item["center_lps_mm"])
    return [
        {**item, "center_lps_mm": tuple((center + move).tolist()), "diameter_mm": float(item["diameter_mm"]) * size}
        for move, size in zip(moves, sizes, strict=True)
    ]


def malignant(model: Any, items: Sequence[dict[str, Any]]) -> list[float]:
    """Return the malignant probability that a model gives each item."""
    return [float(said["pred"][1]) for said in model.score(items)]
