"""A bundle's config, ready to run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow


def make_workflow(
    bundle_dir: Path,
    name: str,
    data_list: str | os.PathLike[str],
    output_dir: Path,
    **overrides: Any,  # noqa: ANN401 - config values
) -> ConfigWorkflow:
    """Return one of a bundle's configs, ready to run as ``monai.bundle run`` does.

    Args:
        bundle_dir: the bundle.
        name: of the config, "train" or "evaluate".
        data_list: its path, or a list that was read, which the config's loaders then need not parse again.
        output_dir: where the run writes.
        **overrides: values of the config to replace, by id.
    """
    configs = Path(bundle_dir) / "configs"
    return ConfigWorkflow(
        config_file=str(configs / f"{name}.json"),
        meta_file=None,
        logging_file=False,
        workflow_type="train" if name == "train" else "eval",
        bundle_root=str(bundle_dir),
        data_list=data_list,
        output_dir=str(output_dir),
        **overrides,
    )
