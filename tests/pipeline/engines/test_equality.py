"""Every engine gives the probabilities of torch: on a phantom, on whole LIDC scans, and on LIDC nodules."""

from __future__ import annotations

import csv
import shutil
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.engine import EXPORTED
from nodulus.pipeline.engines.export import export_network
from nodulus.pipeline.engines.load import load_model, load_torch
from nodulus.pipeline.files import sha256_of
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.scan.open import open_ct
from tests.support.engines import inference_config, malignant, spread

CLOSE = 1e-5
LIDC_NODULES = {"LIDC-IDRI-0001": (56.208, 86.343, -115.868), "LIDC-IDRI-0003": (-47.403, -30.171, -169.624)}
ENGINES = pytest.mark.parametrize("engine", EXPORTED)


def differences(bundle: Path, engine: ExportedEngine, items: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    """Return how far an engine's probabilities are from torch's, with the items in one batch and each by itself."""
    config = inference_config(bundle)
    light, note = load_model(bundle, config, sha256_of(bundle / "models/model.pt"), engine=engine, device="cpu")
    assert (light.engine, note) == (engine, "")
    expected = np.asarray(malignant(load_torch(bundle, config, "cpu"), items))
    assert np.ptp(expected) > 0.01, "patches that all look alike show nothing"
    alone = [malignant(light, [item])[0] for item in items]
    return np.asarray(np.abs(np.stack([malignant(light, items), alone]) - expected))


@pytest.mark.slow
@ENGINES
def test_on_a_phantom(engine: ExportedEngine, exported: Path) -> None:
    assert differences(exported, engine, items_of_phantom()).max() <= CLOSE


@ENGINES
@pytest.mark.parametrize("name", LIDC_NODULES)
def test_on_a_whole_scan(engine: ExportedEngine, name: str, exported: Path, data_dir: Path) -> None:
    volume = open_ct(data_dir / "lidc_dicom" / f"{name}.zip")
    item = {"image": volume, "nodule_id": "1", "center_lps_mm": LIDC_NODULES[name], "diameter_mm": 15.0}
    assert differences(exported, engine, spread(item, 16)).max() <= CLOSE


@ENGINES
def test_on_nodules_of_many_scanners(engine: ExportedEngine, exported: Path, data_dir: Path) -> None:
    folder = data_dir / "lidc_nodules"
    with (folder / "nodules.csv").open(newline="") as file:
        rows = list(islice(csv.DictReader(file), 0, None, 40))
    items: list[dict[str, Any]] = []
    for row in rows:
        with suppress(InputRefusedError):  # a crop of lung alone is no scan to the gate
            volume = open_ct(folder / "images" / f"{row['nodule_id']}.nii.gz", expect_lung=False)
            center = tuple(float(row[f"center_{axis}_mm"]) for axis in "xyz")
            diameter_mm = float(row["diameter_mm"])
            items.append({"image": volume, "nodule_id": "1", "center_lps_mm": center, "diameter_mm": diameter_mm})
    assert len(items) > 15
    assert differences(exported, engine, items).max() <= CLOSE


@pytest.mark.slow
def test_of_another_patch_window_and_network(bundle: Path, tmp_path: Path) -> None:
    """Nothing of them is known but by the config."""
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    config = inference_config(copy)
    config |= {"patch_size": 25, "patch_spacing_mm": 1.4, "margin_mm": [2.0, 3.0, 4.0], "hu_window": [-900.0, 150.0]}
    export_network(copy, config, ["torchscript"], items_of_phantom()[:4])
    light, _ = load_model(copy, config, sha256_of(copy / "models/model.pt"), engine="torchscript", device="cpu")
    items = items_of_phantom()
    found, expected = malignant(light, items), malignant(load_torch(copy, config, "cpu"), items)
    assert np.abs(np.subtract(found, expected)).max() <= CLOSE
    usual = malignant(load_torch(bundle, inference_config(bundle), "cpu"), items)
    assert np.abs(np.subtract(found, usual)).max() > 0.01
