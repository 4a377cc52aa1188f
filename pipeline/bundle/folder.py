"""Which bundle is meant, whether it is whole, and which weights it holds."""

from __future__ import annotations

import os
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

from nodulus.transforms.problems import UsageError

BUNDLE_NAME = "lung_nodule_ct_classification"
BUNDLE_VARIABLE = "NODULUS_BUNDLE"
# The folder `bundles/` of the checkout; the wheel holds it, too.
SHIPPED = "nodulus.bundles"
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
    """Return the bundle's folder: the one named, else that of ``NODULUS_BUNDLE``, else the one that nodulus brings.

    Args:
        bundle_dir: the folder, or None to look for it. The current folder is never searched: a config runs code.
        needs: files that must be in it, relative to it.

    Raises:
        UsageError: when there is none, or when a file is missing from it.
    """
    named = os.environ.get(BUNDLE_VARIABLE) or None if bundle_dir is None else bundle_dir
    bundle = _shipped_bundle() if named is None else Path(named)
    if not bundle.is_dir():
        msg = f"Expected a bundle folder (--bundle DIR or the variable {BUNDLE_VARIABLE}), found none at {bundle}"
        raise UsageError(msg)
    missing = [str(name) for name in needs if not (bundle / name).is_file()]
    if missing:
        msg = f"Expected a whole bundle, {', '.join(missing)} missing from {bundle}"
        raise UsageError(msg)
    return bundle.resolve()


def check_bundle_root(root: Path, needs: Collection[Path]) -> None:
    """Raise where a config's ``bundle_root`` is not the bundle that it lies in: MONAI does not tell a config where.

    Raises:
        UsageError: when a file that is needed of the bundle is missing there.
    """
    missing = next((name for name in needs if not (root / name).is_file()), None)
    if missing is not None:
        raise UsageError(f"Expected the bundle at --bundle_root, found no {missing} in {root.resolve()}")


def _shipped_bundle() -> Path:
    """Return where the bundle of this installation lies.

    Raises:
        UsageError: when the code was copied without it.
    """
    try:
        return Path(str(files(SHIPPED))) / BUNDLE_NAME
    except ModuleNotFoundError as error:
        msg = (
            f"Expected the bundle that comes with nodulus, found none in this installation: install nodulus again, or"
            f" name a bundle folder by --bundle DIR or the variable {BUNDLE_VARIABLE}"
        )
        raise UsageError(msg) from error
