"""Trains a bundle's network on a data list, by the bundle's own train.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from .data_list import load_data_list


def train(data_list: Path, output_dir: Path, bundle_dir: Path, **overrides: Any) -> Path:  # noqa: ANN401 - config values
    """Train as ``configs/train.json`` says and return the path of the best weights.

    Args:
        data_list: JSON list of training and validation nodules.
        output_dir: receives ``model.pt``, ``training_log.txt`` and ``resume.pt``.
        bundle_dir: the bundle.
        **overrides: values of the config to replace, by id: ``max_epochs=2``, ``**{"train::inferer": ...}``.

    Raises:
        UsageError: the list is bad, a split is empty, or an image is missing.
    """
    for split in ("training", "validation"):
        load_data_list(data_list, split)
    run_config(bundle_dir, "train", data_list, output_dir, **overrides)
    return Path(output_dir) / "model.pt"


def evaluate(data_list: Path, output_dir: Path, bundle_dir: Path, **overrides: Any) -> Path:  # noqa: ANN401 - as above
    """Evaluate as ``configs/evaluate.json`` says and return the path of metrics.json. Arguments as for ``train``."""
    load_data_list(data_list, overrides.get("split", "validation"), only_labelled=True)
    run_config(bundle_dir, "evaluate", data_list, output_dir, **overrides)
    return Path(output_dir) / "metrics.json"


def run_config(bundle_dir: Path, name: str, data_list: Path, output_dir: Path, **overrides: Any) -> None:  # noqa: ANN401 - as above
    """Run one of a bundle's configs from start to end, as ``monai.bundle run`` does."""
    configs = Path(bundle_dir) / "configs"
    workflow = ConfigWorkflow(
        config_file=str(configs / f"{name}.json"),
        meta_file=None,
        logging_file=False,
        workflow_type="train" if name == "train" else "eval",
        bundle_root=str(bundle_dir),
        data_list=str(data_list),
        output_dir=str(output_dir),
        **overrides,
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()
