"""What an inference config does before and after the network, done by numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.readout.calibration import Calibration, read_calibration
from nodulus.pipeline.readout.readout import read_item
from nodulus.transforms.patches.box import Spacing
from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.nodule_patch import PatchCutter

from .plain_config import ConfigSaysMoreError, PlainConfig


@dataclass(frozen=True)
class Window:
    """MONAI's ``ScaleIntensityRanged``: ``a_min`` becomes ``b_min``, ``a_max`` becomes ``b_max``."""

    a_min: float
    a_max: float
    b_min: float
    b_max: float
    clip: bool = False

    def __post_init__(self) -> None:
        numbers = (self.a_min, self.a_max, self.b_min, self.b_max)
        if any(isinstance(x, bool) or not isinstance(x, int | float) for x in numbers) or self.a_max == self.a_min:
            raise ValueError("expected four numbers, the first two unlike")

    def __call__(self, patch_hu: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a patch in the window, by MONAI's steps in their order: the last digits are the same."""
        scaled = (patch_hu - self.a_min) / (self.a_max - self.a_min) * (self.b_max - self.b_min) + self.b_min
        return np.asarray(np.clip(scaled, self.b_min, self.b_max) if self.clip else scaled, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class LightPlan:
    """The steps of an inference config around its network.

    Args:
        cutter: cuts the patch.
        facts_spacing_mm: spacing that the patch's facts are told in.
        window: what the network is shown of it.
        calibration: reads the network's outputs.
    """

    cutter: PatchCutter
    facts_spacing_mm: Spacing
    window: Window
    calibration: Calibration

    def prepare(self, item: Mapping[str, Any]) -> tuple[NDArray[np.float32], NoduleFacts]:
        """Return what the network is shown of a work item, (1, x, y, z), and the facts of its patch."""
        cut = self.cutter.cut_item(item)
        return self.window(cut.patch.intensity_hu)[None], cut.facts(self.facts_spacing_mm, float(item["diameter_mm"]))

    def read(self, outputs: Sequence[float], facts: NoduleFacts, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is read out of a work item's raw outputs, by the keys of ``ReadOutputsd``."""
        readout = read_item(self.calibration, outputs, facts, item)
        return {"pred": (1 - readout.malignant, readout.malignant), "logits": tuple(outputs), "readout": readout}


def read_plan(config: PlainConfig) -> LightPlan:
    """Return the steps of an inference config.

    Raises:
        ConfigSaysMoreError: it has a step, or an argument of one, that is not known here.
        InputRefusedError: ``untrusted_bundle``, when the calibration is missing or malformed.
    """
    _arguments(config.value("inferer"), "inferer", "SimpleInferer", ())
    opens, cuts, notes, windows = _steps(config, "preprocessing", 4)
    _of_image(opens, "nodulus.transforms.OpenCTd", ("allow",))
    cut = _of_image(
        cuts, "nodulus.transforms.NodulePatchd", ("size", "spacing_mm", "margin_mm", "box_per_diameter", "air_hu")
    )
    noted = _of_image(notes, "nodulus.transforms.NoduleFactsd", ("spacing_mm",))
    window = _of_image(windows, "ScaleIntensityRanged", ("a_min", "a_max", "b_min", "b_max", "clip"))
    (reads,) = _steps(config, "postprocessing", 1)
    read = _arguments(reads, "postprocessing", "nodulus.pipeline.ReadOutputsd", ("keys", "calibration"))
    if read.get("keys") != "pred" or not isinstance(read.get("calibration"), str):
        raise ConfigSaysMoreError("a postprocessing of other keys, or without a calibration")
    try:
        return LightPlan(
            PatchCutter(**cut), noted["spacing_mm"], Window(**window), read_calibration(Path(read["calibration"]))
        )
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigSaysMoreError(f"arguments that are not understood: {error}") from error


def _steps(config: PlainConfig, name: str, n: int) -> list[Any]:
    compose = _arguments(config.value(name), name, "Compose", ("transforms",))
    steps = compose.get("transforms")
    if not isinstance(steps, list) or len(steps) != n:
        raise ConfigSaysMoreError(f"other than {n} steps of {name}")
    return steps


def _of_image(step: object, target: str, known: Sequence[str]) -> dict[str, Any]:
    arguments = _arguments(step, "preprocessing", target, ("keys", *known))
    if arguments.pop("keys", None) not in ("image", ["image"]):
        raise ConfigSaysMoreError(f"{target} of other keys than image")
    return arguments


def _arguments(step: object, where: str, target: str, known: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a step that has the target that is expected of it, and no argument beyond those known."""
    if not isinstance(step, Mapping) or step.get("_target_") != target:
        got = step.get("_target_") if isinstance(step, Mapping) else step
        raise ConfigSaysMoreError(f"{got!r} instead of {target} in {where}")
    arguments = {key: value for key, value in step.items() if key != "_target_"}
    if more := [key for key in arguments if key not in known]:
        raise ConfigSaysMoreError(f"the argument {more[0]} of {target}")
    return arguments
