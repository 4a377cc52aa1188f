"""`nodulus bundle`: look into a bundle before it runs, export its network, and pack one to travel."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.bundle.folder import find_bundle
from nodulus.pipeline.exit_codes import ExitCode

from .bundle_export import export
from .options import BundleDir, Quiet, Trust
from .say import say, say_json

if TYPE_CHECKING:
    from nodulus.pipeline.audit.audit import Audit

bundle = typer.Typer(help="Look into a bundle before it runs; export its network; pack one to travel.")


@bundle.callback()
def _bundle() -> None:
    """Look into a bundle before it runs; export its network; pack one to travel."""


@bundle.command()
def audit(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A MONAI bundle's folder, or a zip of one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is refused.")] = False,
) -> int:
    """List all that a bundle would run, with file and key, without running any of it; exit 3 where some is refused.

    Examples:

      nodulus bundle audit BUNDLE_FOLDER

      nodulus bundle audit bundle.zip --json
    """
    # Loaded late: `nodulus --help` should not wait for it.
    from nodulus.pipeline.audit.audit import audit_bundle

    found = audit_bundle(path)
    if as_json:
        say_json(_record(found))
    else:
        _print(found, quiet=quiet)
    return ExitCode.INPUT_REFUSED if found.refused else ExitCode.OK


@bundle.command()
def pack(
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip to write.", dir_okay=False)],
    bundle: BundleDir = None,
    trust: Trust = False,
    quiet: Quiet = False,
) -> int:
    """Pack a bundle, with nodulus' code and a manifest of hashes, into a zip that runs where only MONAI is installed.

    Example:

      nodulus bundle pack -o lung_nodule_ct_classification.zip
    """
    # Loaded late, as above.
    from nodulus.pipeline.audit.gate import check_trusted
    from nodulus.pipeline.bundle.pack import pack_bundle
    from nodulus.pipeline.files import sha256_of

    folder = find_bundle(bundle)
    if not trust:
        check_trusted(folder, is_hashed=True)
    written = pack_bundle(folder, output)
    if not quiet:
        say(f"SHA-256 {sha256_of(written)}, {written.stat().st_size} bytes", written=[written])
    return ExitCode.OK


bundle.command()(export)


def _print(found: Audit, *, quiet: bool) -> None:
    for finding in () if quiet else found.findings:
        if finding.is_allowed:
            say(f"allowed  {finding}")
    for name, digest in () if quiet else sorted(found.sha256.items()):
        say(f"sha256   {digest}  {name}")
    for finding in found.refused:
        say(f"REFUSED  {finding}")
    kinds = Counter(finding.kind.value for finding in found.findings)
    seen = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "nothing that acts"
    verdict = f"{len(found.refused)} refused" if found.refused else "all of it on the allow-list"
    say(f"{found.place}: {len(found.sizes)} files; {seen}; {verdict}")


def _record(found: Audit) -> dict[str, object]:
    return {
        "bundle": str(found.place),
        "passed": not found.refused,
        "findings": [asdict(finding) | {"kind": finding.kind.value} for finding in found.findings],
        "files": [
            {"name": name, "bytes": size, "sha256": found.sha256.get(name)} for name, size in found.sizes.items()
        ],
    }
