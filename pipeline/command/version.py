"""`nodulus --version`: the program's, and that of the bundle it would score with."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nodulus import __version__
from nodulus.pipeline.bundle.folder import METADATA, find_bundle
from nodulus.transforms.problems import UsageError

from .say import say


def _print_version(is_asked: bool) -> None:
    if is_asked:
        say(f"nodulus {__version__}")
        say(_bundle_line())
        raise typer.Exit


def _bundle_line() -> str:
    """Return name, version and place of the default bundle, by its metadata alone: the weights take too long."""
    try:
        bundle = find_bundle(needs=(METADATA,))
        version = json.loads((bundle / METADATA).read_text(encoding="utf-8"))["version"]
    except UsageError:
        return "bundle: none found (nodulus info says where it is looked for)"
    except (ValueError, TypeError, KeyError):
        return f"bundle {bundle.name} of unknown version in {bundle}"
    return f"bundle {bundle.name} {version} in {bundle}"


VersionOption = Annotated[
    bool, typer.Option("--version", help="Print the versions and exit.", is_eager=True, callback=_print_version)
]
