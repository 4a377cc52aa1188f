"""A bundle's config, ready to run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.utils import merge_kv

from nodulus.pipeline.audit.gate import read_trusted


def make_workflow(
    bundle_dir: Path,
    name: str,
    data_list: str | os.PathLike[str],
    output_dir: Path,
    *,
    trust: bool = False,
    **overrides: Any,  # noqa: ANN401 - config values
) -> ConfigWorkflow:
    """Return one of a bundle's configs, ready to run as ``monai.bundle run`` does.

    Args:
        bundle_dir: the bundle.
        name: of the config, "train" or "evaluate".
        data_list: its path, or a list that was read, which the config's loaders then need not parse again.
        output_dir: where the run writes.
        trust: do without the bundle's audit.
        **overrides: values of the config to replace, by id.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the audit refuses a part of the bundle.
    """
    place = Path("configs") / f"{name}.json"
    content = read_trusted(Path(bundle_dir), place, trust=trust)
    workflow = ConfigWorkflow(
        config_file=str(Path(bundle_dir) / place),
        meta_file=None,
        logging_file=False,
        workflow_type="train" if name == "train" else "eval",
    )
    # What was judged is what runs: MONAI has read the file a second time, and that it is still the same is not sure.
    workflow.parser = make_parser(
        content,
        bundle_root=str(bundle_dir),
        data_list=data_list,
        output_dir=str(output_dir),
        **overrides,
    )
    return workflow


def make_parser(content: Mapping[str, Any], **overrides: Any) -> ConfigParser:  # noqa: ANN401 - config values
    """Return a parser of a config that was read, merged as MONAI merges a file's keys; nothing of it is run yet."""
    merged = ConfigParser(config={})
    for key, value in content.items():
        merge_kv(merged, key, value)
    parser = ConfigParser()
    parser.read_config(merged.get())
    parser.update(overrides)
    return parser
