"""`nodulus bundle export`: the network for engines that do without torch, compared with torch before it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG, find_bundle
from nodulus.pipeline.engines.engine import EXPORTED, EngineError
from nodulus.pipeline.exit_codes import ExitCode
from nodulus.transforms.problems import UsageError

from .options import BundleDir, Quiet, Trust
from .say import say

if TYPE_CHECKING:
    from nodulus.pipeline.audit.export_manifest import Export, ExportedEngine


def export(
    bundle: BundleDir = None,
    engines: Annotated[
        str,
        typer.Option(
            "--engines", help=f"Comma-separated: {', '.join(EXPORTED)}. [all that are installed]", show_default=False
        ),
    ] = "",
    cases: Annotated[
        Path | None,
        typer.Option("--cases", help="A cases table of scans to compare on, too. [a phantom's nodules alone]"),
    ] = None,
    trust: Trust = False,
    quiet: Quiet = False,
) -> int:
    """Make exports of a bundle's network in its `models/`, each compared with torch on patches before it is kept.

    Examples:

      nodulus bundle export --bundle MY_BUNDLE

      nodulus bundle export --bundle MY_BUNDLE --engines onnx --cases cases.csv
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.audit.gate import read_trusted
    from nodulus.pipeline.engines.export import export_network

    from .compared_patches import items_of_cases, items_of_phantom

    folder = find_bundle(bundle)
    asked = _asked(engines)
    config = read_trusted(folder, INFERENCE_CONFIG, trust=trust)
    items: list[dict[str, Any]] = items_of_phantom()
    if cases is not None:
        items += items_of_cases(cases)

    def tell(made: Export) -> None:
        if not quiet:
            say(
                f"{made.engine}: largest difference of a probability from torch's {made.probability_difference_max:.1e}"
                f" on {made.n_patches} patches"
            )

    written = export_network(folder, config, asked, items, tell)
    if not quiet:
        say(written=written)
    return ExitCode.OK


def _asked(engines: str) -> list[ExportedEngine]:
    """Return the engines that a comma-separated list names; of none, those that are installed.

    Raises:
        UsageError: it names something else, or none is installed.
    """
    from nodulus.pipeline.engines.sessions import check_installed

    names = [name.strip() for name in engines.split(",") if name.strip()]
    if other := next((name for name in names if name not in EXPORTED), ""):
        raise UsageError(f"Expected --engines out of {', '.join(EXPORTED)}, got '{other}'")
    if names:
        return [engine for engine in EXPORTED if engine in names]
    found: list[ExportedEngine] = []
    for engine in EXPORTED:
        try:
            check_installed(engine)
        except EngineError as error:
            say(f"nodulus: no export for {engine}: {error}", err=True)
        else:
            found.append(engine)
    return found
