"""`nodulus pacs`: fetch a study from an archive, score its nodules, put the results back."""

from __future__ import annotations

from typing import Annotated

import typer

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.transforms.problems import UsageError

from .infer import infer
from .options import Allow, BundleDir, DeviceOption, NoduleFile, OutputDir, Quiet, SeriesUid

EXAMPLE = """
Example:

  nodulus pacs http://127.0.0.1:8042/dicom-web --study UID -o out
"""
# The folder of what was fetched, below that of the results.
FETCHED = "fetched"


def pacs(
    url: Annotated[str, typer.Argument(metavar="URL", help="Root of a DICOMweb server.")],
    study: Annotated[str, typer.Option("--study", help="StudyInstanceUID of the study to score.")],
    output: OutputDir,
    series: SeriesUid = None,
    nodules: NoduleFile = None,
    bundle: BundleDir = None,
    device: DeviceOption = "auto",
    allow: Allow = "",
    store: Annotated[
        bool, typer.Option("--store/--no-store", help="Put the report and the key images into the study.")
    ] = True,
    quiet: Quiet = False,
) -> int:
    """Score the nodules marked in a study of an archive (PACS), and put the results back."""
    try:
        from nodulus.pipeline.pacs.archive import Archive
    except ModuleNotFoundError as missing:
        msg = f"Expected what talks to an archive, got no {missing.name}: pip install 'nodulus[pacs]'"
        raise UsageError(msg) from missing
    from nodulus.pipeline.pacs.errors import ArchiveError
    from nodulus.pipeline.pacs.store import store_once
    from nodulus.pipeline.pacs.study import fetch_study
    from nodulus.pipeline.results.record import read_results

    from .console import note

    archive = Archive(url)
    files = fetch_study(archive, study, series, nodules, output / FETCHED)
    code = infer(
        files.scan,
        output,
        nodules=files.nodules,
        bundle=bundle,
        device=device,
        allow=allow,
        sr=True,
        key_images=True,
        revises=files.earlier,
        quiet=quiet,
    )
    if not store or code not in (ExitCode.OK, ExitCode.SOME_FAILED):
        return code
    (case,) = read_results(output / "results.json").cases
    try:
        n_stored = store_once(archive, [output / name for name in case.files])
    except ArchiveError as error:
        raise ArchiveError(f"{error} (the results are in {output}; the same command stores what is missing)") from error
    if not quiet:
        note(f"{n_stored} of {len(case.files)} objects stored in study {study}, the others were there")
    return code


pacs.__doc__ = f"{pacs.__doc__}\n{EXAMPLE}"
