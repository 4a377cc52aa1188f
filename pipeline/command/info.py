"""`nodulus info`: everything that a bug report needs."""

from __future__ import annotations

import platform
from typing import Annotated, Any

import typer

from nodulus.pipeline.bundle.folder import find_bundle
from nodulus.pipeline.bundle.identity import identify
from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.versions import versions
from nodulus.transforms.problems import NodulusError

from .options import BundleDir
from .say import say, say_json


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    bundle_path: Annotated[
        bool, typer.Option("--bundle-path", help="Print the bundle's folder, for MONAI's commands, and nothing else.")
    ] = False,
    bundle: BundleDir = None,
) -> int:
    """Say which versions, bundle, engines and devices are here; without a bundle that scores it ends as `infer` would.

    Examples:

      nodulus info --json

      nodulus info --bundle-path
    """
    if bundle_path:
        print(find_bundle(bundle))  # noqa: T201 - as it is: a shell takes it for a path
        return ExitCode.OK
    found = collect_info(bundle)
    if as_json:
        say_json(found)
    else:
        _say_in_lines(found)
    if isinstance(found["bundle"], str):
        identify(find_bundle(bundle))  # raises what is wrong with it: a line, and the exit code
    return ExitCode.OK


def _say_in_lines(found: dict[str, Any]) -> None:
    for topic, content in found.items():
        say(f"{topic}: {content}" if not isinstance(content, dict) else f"{topic}:")
        for name, value in content.items() if isinstance(content, dict) else ():
            say(f"  {name}: {_in_words(value)}")


def collect_info(bundle: Any = None) -> dict[str, Any]:  # noqa: ANN401 - a path or None
    """Return versions, platform, bundle identity, engines and devices as plain data; of no bundle, what is wrong."""
    import torch

    from nodulus.pipeline.engines.engine import EXPORTED, TORCH
    from nodulus.pipeline.engines.sessions import engine_version

    try:
        folder = find_bundle(bundle)
        identity: dict[str, Any] | str = {"path": str(folder)} | identify(folder).model_dump(mode="json")
    except NodulusError as error:
        identity = str(error)
    devices = ["cpu"]
    devices += [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    return {
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "bundle": identity,
        "engines": [TORCH, *(engine for engine in EXPORTED if engine_version(engine) is not None)],
        "devices": devices,
        "threads": torch.get_num_threads(),
    }


def _in_words(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a value for people: of a list of records, the names."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"{record['name']} from {record['threshold']:.3f}" for record in value)
    return str(value)
