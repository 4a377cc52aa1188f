"""Runs the application: python -m nodulus.pipeline.deploy -i STUDY -o OUT -m BUNDLE."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.deploy.model_folder import bundle_at
from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.views import VIEWS
from nodulus.pipeline.scoring.output_folder import OutputFolder
from nodulus.pipeline.writers.which import CASE_FILES
from nodulus.transforms.problems import UsageError, internal_error, printable, refusal_in

if TYPE_CHECKING:
    from monai.deploy.core import AppContext


def main(arguments: list[str] | None = None) -> int:
    """Run the application and return its exit code: 0 when every nodule was scored; else a line says why not."""
    os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "ERROR")  # read when holoscan is loaded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the stack's size, which its GPU operators may exceed
            from nodulus.pipeline.deploy.application import NoduleApplication
    except ModuleNotFoundError as missing:
        return _fail(f"Expected MONAI Deploy's SDK, got no {missing.name}: docs/how-to/monai-deploy.md", ExitCode.USAGE)
    from nodulus.pipeline.scoring.scorer import Scorer

    context = _context(sys.argv[1:] if arguments is None else arguments)
    try:
        with OutputFolder(Path(context.output_path), (*VIEWS, *CASE_FILES)) as folder:
            bundle = bundle_at(Path(context.model_path), is_named=context.args.get("model") is not None)
            scorer = Scorer(bundle, digests=True, measures=True)
            application = NoduleApplication(scorer, _study(Path(context.input_path)), folder.path)
            application.run()
    except Exception as error:
        refusal = refusal_in(error)
        if refusal is None:
            return _fail(f"internal error: {internal_error(error)}", ExitCode.INTERNAL_ERROR)
        return _fail(str(refusal), ExitCode.USAGE if isinstance(refusal, UsageError) else ExitCode.INPUT_REFUSED)
    return _ending(application.result)


def _context(arguments: list[str]) -> AppContext:
    """Return the SDK's paths: its options, then HOLOSCAN_INPUT_PATH and others, then its defaults.

    Its own `init_app_context` would also set up logging by a file of the current folder, which may name code to run.
    """
    from monai.deploy.core import AppContext, parse_args

    options = vars(parse_args(["nodulus.pipeline.deploy", *arguments]))
    logging.basicConfig(level=options["log_level"] or logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return AppContext(options)


def _study(path: Path) -> Path:
    if not path.is_dir():
        raise UsageError(f"Expected a folder with a study (-i FOLDER or HOLOSCAN_INPUT_PATH), got none at {path}")
    return path.absolute()


def _ending(result: CaseResult | None) -> int:
    """Return the exit code of a result, and say what is wrong with it."""
    if result is None:
        return _fail("internal error: the application ended without a result", ExitCode.INTERNAL_ERROR)
    if result.is_complete:
        return 0
    if result.problem is not None:
        code = ExitCode.INPUT_REFUSED if result.status == "refused" else ExitCode.INTERNAL_ERROR
        return _fail(f"{result.case_id}: {result.status}: {result.problem.code}: {result.problem.message}", code)
    problems = {nodule.nodule_id: nodule.problem for nodule in result.nodules if nodule.problem is not None}
    told = "; ".join(f"{name}: {problem.code}: {problem.message}" for name, problem in problems.items())
    is_any_scored = len(problems) < len(result.nodules)
    return _fail(
        f"{result.case_id}: not scored: {told}", ExitCode.SOME_FAILED if is_any_scored else ExitCode.INPUT_REFUSED
    )


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"nodulus: {printable(message)}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
