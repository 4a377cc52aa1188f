"""`nodulus merge`: join the outputs of a run's shards into what one run would have written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodulus.pipeline.scoring.cases import read_cases
from nodulus.transforms.problems import UsageError

from .ending import exit_code, run_page_of
from .options import OutputDir, Quiet

if TYPE_CHECKING:
    from nodulus.pipeline.results.manifest import RunContext
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.scoring.parts import Part

EXAMPLES = """
Examples:

  nodulus merge out/1 out/2 out/3 out/4 -o out/all

  nodulus merge out/* -o merged --cases cases.csv
"""


def merge(
    parts: Annotated[list[Path], typer.Argument(metavar="OUT...", help="Output folders of all shards of one run.")],
    output: OutputDir,
    cases: Annotated[
        Path | None, typer.Option("--cases", help="The cases table: calls what is missing by its name.")
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Join the outputs of a run's shards: `nodulus infer cases.csv --shard I/N`."""
    from nodulus.pipeline.results.record import as_unicode
    from nodulus.pipeline.results.run_record import results_of
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.results.views import write_results
    from nodulus.pipeline.scoring.journal import FILES
    from nodulus.pipeline.scoring.output_folder import OutputFolder
    from nodulus.pipeline.scoring.parts import check_parts, copy_case_files, joined, read_part

    from .console import print_problems, print_written

    if output.resolve() in {part.resolve() for part in parts}:
        raise UsageError(f"Expected a folder of its own for the joined results, got that of a shard: {output}")
    stages = Stages()
    with stages.time("open"):
        read = [read_part(folder) for folder in parts]
        check_parts(read, None if cases is None else [as_unicode(case.case_id) for case in read_cases(cases)])
    record = results_of(joined(read), read[0].head.bundle, read[0].head.engine)
    with OutputFolder(output, FILES) as folder:
        folder.begin()
        with stages.time("write"):
            copy_case_files(read, output)
        run_page = run_page_of(record, record.cases, output) if "report" in read[0].run.files else ()
        written = write_results(record, output, _context(read[0], stages), run_page)
        written += run_page or tuple(output / name for case in record.cases for name in case.files)
    if quiet:
        print_problems(record.cases)
    else:
        print_written(record.cases, written, record.bundle)
    return exit_code(record.cases)


merge.__doc__ = f"{merge.__doc__}\n{EXAMPLES}"


def _context(part: Part, stages: Stages) -> RunContext:
    """Return what the manifest of the whole says: the options of the parts but for which part each is."""
    from nodulus.pipeline.results.manifest import RunContext
    from nodulus.pipeline.scoring.shard import SHARD

    manifest = part.head.run
    told = {} if manifest is None else {name: value for name, value in manifest.options.items() if name != SHARD}
    return RunContext("merge", part.run.device, told, stages)
