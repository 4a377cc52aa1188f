"""A bundle's config, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow


def make_workflow(
    bundle_dir: Path,
    name: str,
    data_list: Path,
    output_dir: Path,
    **overrides: Any,  # noqa: ANN401 - as above
) -> ConfigWorkflow:
    """Return one of a bundle's configs, ready to run as ``monai.bundle run`` does."""
    configs = Path(bundle_dir) / "configs"
    return ConfigWorkflow(
        config_file=str(configs / f"{name}.json"),
        meta_file=None,
        logging_file=False,
        workflow_type="train" if name == "train" else "eval",
        bundle_root=str(bundle_dir),
        data_list=str(data_list),
        output_dir=str(output_dir),
        **overrides,
    )
