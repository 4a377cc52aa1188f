"""What a calibration of new weights takes over from the bundle's own: how alike a place must be to nodules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodulus.pipeline.bundle.folder import CALIBRATION, EVALUATE_CONFIG
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.readout.nodule_likeness import NoduleLikeness
from nodulus.transforms.problems import InputRefusedError


def kept_likeness(bundle_dir: Path, overrides: Mapping[str, Any]) -> NoduleLikeness | None:
    """Return the likeness that a bundle comes with, None where it has none or where the patches are cut another way.

    It can be kept because it looks at the patch alone, and it must be, because a data list holds nodules only: no
    place without one is there to learn from.

    Args:
        bundle_dir: whose calibration and config are read.
        overrides: values of the config that are replaced, by id.
    """
    try:
        found = read_calibration(bundle_dir / CALIBRATION).training_range.likeness
    except InputRefusedError:
        return None  # a bundle that is calibrated for the first time
    if found is None:
        return None
    config = read_json_as(dict[str, Any], bundle_dir / EVALUATE_CONFIG, "the bundle's config") | dict(overrides)
    is_same = all(config.get(name) == list(value) for name, value in found.patch)
    return found if is_same else None
