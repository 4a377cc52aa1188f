"""Which bundle is meant, whether it is whole, and which weights it holds."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from nodulus.transforms.problems import UsageError

BUNDLE_NAME = "lung_nodule_ct_classification"
BUNDLE_VARIABLE = "NODULUS_BUNDLE"
INFERENCE_CONFIG = Path("configs/inference.json")
TRAIN_CONFIG = Path("configs/train.json")
EVALUATE_CONFIG = Path("configs/evaluate.json")
METADATA = Path("configs/metadata.json")
WEIGHTS = Path("models/model.pt")
CALIBRATION = Path("models/calibration.json")
TRAINING_PATIENTS = Path("models/training_patients.json")
VALIDATION_PATIENTS = Path("models/validation_patients.json")
TO_SCORE = (INFERENCE_CONFIG, METADATA, WEIGHTS, CALIBRATION)


def find_bundle(bundle_dir: str | Path | None = None, needs: Collection[Path] = TO_SCORE) -> Path:
    """Return the bundle's folder: the one named, else that of ``NODULUS_BUNDLE``, else the checkout's.

    Args:
        bundle_dir: the folder, or None to look for it. The current folder is never searched: a config runs code.
        needs: files that must be in it, relative to it.

    Raises:
        UsageError: when there is none, or when a file is missing from it.
    """
    candidates = [Path(bundle_dir)] if bundle_dir is not None else _default_places()
    bundle = next((place for place in candidates if place.is_dir()), None)
    if bundle is None:
        looked = ", ".join(str(place) for place in candidates)
        msg = f"Expected a bundle folder (--bundle DIR or the variable {BUNDLE_VARIABLE}), found none at {looked}"
        raise UsageError(msg)
    missing = [str(name) for name in needs if not (bundle / name).is_file()]
    if missing:
        msg = f"Expected a whole bundle, {', '.join(missing)} missing from {bundle}"
        raise UsageError(msg)
    return bundle.resolve()


def _default_places() -> list[Path]:
    named = os.environ.get(BUNDLE_VARIABLE)
    if named:
        return [Path(named)]
    return [Path(__file__).resolve().parents[2] / "bundles" / BUNDLE_NAME]
