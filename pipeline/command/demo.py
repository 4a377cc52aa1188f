"""`nodulus demo`: a built-in phantom study from DICOM to scores, without data or network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nodulus.pipeline.exit_codes import ExitCode

from .options import BundleDir, OutputDir
from .say import say

MEANING = (
    "These are scores of a synthetic phantom: they show that the pipeline runs from DICOM to a result, and mean "
    "nothing clinically."
)


def demo(
    output: OutputDir = Path("out/demo"),
    bundle: BundleDir = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the phantom.")] = 0,
) -> int:
    """Make a phantom chest CT, score its nodules, draw them; no data, no network needed.

    Example:

      nodulus demo -o out/demo
    """
    # Loaded late: `nodulus --help` should not wait for torch.
    from nodulus.pipeline.phantom import PhantomSpec
    from nodulus.pipeline.phantom.demo_study import write_demo_study
    from nodulus.pipeline.results.manifest import RunContext
    from nodulus.pipeline.results.run_record import results_of
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.results.views import write_results
    from nodulus.pipeline.scoring.journal import FILES
    from nodulus.pipeline.scoring.open_case import ReadOptions, open_case, open_scan
    from nodulus.pipeline.scoring.output_folder import OutputFolder
    from nodulus.pipeline.scoring.scan_check import draw_nodules
    from nodulus.pipeline.scoring.scorer import Scorer
    from nodulus.pipeline.writers.case_files import CaseFiles
    from nodulus.pipeline.writers.which import case_writers

    from .console import console, print_written

    stages = Stages()
    with stages.time("load"):  # first: where there is no bundle, nobody should wait for a phantom
        scorer = Scorer(bundle, digests=True, measures=True, stages=stages)
    with OutputFolder(output, FILES):
        with console.status("making the phantom study"):
            study = write_demo_study(output, PhantomSpec(seed=seed))
        how = ReadOptions()
        with stages.time("open"):
            opened = open_case(open_scan(study.dicom_folder, how), study.marked, how, case_id="phantom")
        head = results_of((), scorer.identity)
        files = CaseFiles(head, case_writers(["report"]), output, [opened.case.case_id])
        with console.status("drawing the page"):
            results = list(scorer.score_many([opened], files))
        run = RunContext("demo", scorer.device, {"seed": seed}, stages)
        written = write_results(head.model_copy(update={"cases": tuple(results)}), output, run)
        with console.status("drawing the nodules"):
            pictures = draw_nodules(opened, output / "pictures", scored=results[0])
    print_written(results, [*written, *(output / name for name in results[0].files)], scorer.identity)
    say(f"wrote {len(pictures)} pictures of the nodules to {output / 'pictures'}")
    say(f"wrote the study: {study.dicom_folder} (DICOM), {study.nifti} (NIfTI), {study.nodule_table}")
    console.print(MEANING, style="bold", highlight=False)
    return ExitCode.OK if all(case.is_complete for case in results) else ExitCode.INTERNAL_ERROR
