"""Around the network, numpy does what MONAI does to the last digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.transforms import ScaleIntensityRanged

from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.light_plan import Window, read_plan
from nodulus.pipeline.engines.load import load_torch, plain_config
from nodulus.pipeline.engines.plain_config import ConfigSaysMoreError
from tests.support.engines import inference_config

numbers = st.floats(-2000, 2000, width=32)


@settings(deadline=None, max_examples=50)
@given(numbers, st.floats(1, 3000), numbers, numbers, st.booleans(), st.integers(0, 99))
def test_the_window_is_monais(a_min: float, width: float, b_min: float, b_max: float, clip: bool, seed: int) -> None:
    low, high = sorted((b_min, b_max))
    arguments: dict[str, Any] = {"a_min": a_min, "a_max": a_min + width, "b_min": low, "b_max": high, "clip": clip}
    patch_hu = np.random.default_rng(seed).uniform(-1500, 1500, (4, 5, 6)).astype(np.float32)
    expected = ScaleIntensityRanged("image", **arguments)({"image": patch_hu[None]})["image"][0].numpy()
    np.testing.assert_array_equal(Window(**arguments)(patch_hu), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"patch_size": 21, "patch_spacing_mm": 0.5},
        {"margin_mm": [1.0, 0.0, 3.5], "hu_window": [-700, 150]},
        {"patch_size": 45, "patch_spacing_mm": 1.7, "hu_window": [-1350.0, 150.0]},
    ],
    ids=str,
)
def test_patch_and_facts_are_those_of_the_config(changes: dict[str, Any], bundle: Path) -> None:
    config = inference_config(bundle) | changes
    plan, whole = read_plan(plain_config(bundle, config)), load_torch(bundle, config, "cpu")
    for item in items_of_phantom()[::5]:
        image, facts = plan.prepare(item)
        prepared = whole.preprocessing(dict(item))
        np.testing.assert_array_equal(image, prepared["image"].numpy())
        np.testing.assert_equal(facts.numbers(), prepared["facts"])  # untold is NaN


def _step(number: int, **changes: object) -> Any:
    def change(config: dict[str, Any]) -> None:
        config["preprocessing"]["transforms"][number].update(changes)

    return change


@pytest.mark.parametrize(
    "change",
    [
        _step(0, _target_="LoadImaged"),
        _step(1, size=32),
        _step(1, size="33"),
        _step(1, keys=["image", "other"]),
        _step(1, center_key="elsewhere"),
        _step(2, facts_key="elsewhere"),
        _step(3, a_min=1000.0),
        _step(3, b_min=None),
        _step(3, clip=True, _disabled_=True),
        lambda config: config["preprocessing"].update(lazy=True),
        lambda config: config["preprocessing"]["transforms"].reverse(),
        lambda config: config["postprocessing"]["transforms"][0].update(calibration=None),
        lambda config: config.pop("inferer"),
    ],
)
def test_what_is_not_understood_is_left_to_monai(change: Any, bundle: Path) -> None:
    config = inference_config(bundle)
    change(config)
    with pytest.raises(ConfigSaysMoreError):
        read_plan(plain_config(bundle, config))
