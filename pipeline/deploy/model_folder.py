"""Which bundle the SDK's model path means."""

from __future__ import annotations

from pathlib import Path

from nodulus.pipeline.bundle.folder import METADATA


def bundle_at(model_path: Path, *, is_named: bool) -> Path | None:
    """Return the bundle of a model path; None, which takes the one that nodulus brings, where it is not there.

    In a packaged application the path is always set, be there models or not, and its models are folders in it.

    Args:
        model_path: a bundle, or a folder of one.
        is_named: whether a user named it, who is told when there is none.
    """
    within = sorted(path.parent.parent for path in model_path.glob(f"*/{METADATA}"))
    if (model_path / METADATA).is_file() or not within:
        return model_path if is_named or (model_path / METADATA).is_file() else None
    return within[0] if len(within) == 1 else model_path
