"""Writes the results of an evaluator run, as `monai.bundle run` does it."""

from __future__ import annotations

import logging
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from ignite.engine import Engine, Events

from nodulus.pipeline.bundle.folder import TO_SCORE, check_bundle_root
from nodulus.pipeline.bundle.identity import BundleIdentity, identify
from nodulus.pipeline.results.manifest import RunContext
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.results.score_lines import score_lines
from nodulus.pipeline.results.views import write_results
from nodulus.transforms.problems import InputRefusedError, printable

from .case_record import record_case
from .journal import FILES
from .output_folder import OutputFolder
from .prediction import NodulePrediction, prediction_of
from .worklist import Worklist

logger = logging.getLogger(__name__)


class ResultsHandler:
    """Ignite handler that collects each nodule's prediction and writes results.json and results.csv at the end.

    What was found is logged, too, a line a nodule, and where the files are.

    Attach it after the handler that applies the postprocessing.

    Args:
        worklist: the cases that the evaluator's dataset was made from.
        bundle_root: the bundle whose weights were loaded.
        output_dir: where the results are written.
        calibration: that the outputs were read by; None is the bundle's own.
    """

    def __init__(self, worklist: Worklist, bundle_root: str, output_dir: str, calibration: str | None = None) -> None:
        self.calibration = None if calibration is None else Path(calibration)
        self.worklist, self.bundle, self.output_dir = worklist, Path(bundle_root).resolve(), Path(output_dir)
        self._held = ExitStack()
        self._predictions: defaultdict[str, list[NodulePrediction]] = defaultdict(list)

    def check(self) -> None:
        """Take the folder for this run, set an earlier run's results aside, raise what keeps this one from scoring.

        A refusal is written to results.json first. The folder is this run's until its results are written.

        Raises:
            UsageError: when no scan or no nodules were named, ``bundle_root`` is no bundle, or another run writes to
                the folder.
            InputRefusedError: when the scan, or every nodule in it, was refused, or the bundle's calibration does not
                belong to its weights.
        """
        check_bundle_root(self.bundle, TO_SCORE)
        self._identify()
        self._held.close()
        refusal = None
        with ExitStack() as held:
            folder = held.enter_context(OutputFolder(self.output_dir, FILES))
            try:
                self.worklist.check()
            except InputRefusedError as error:
                refusal = error
            folder.begin()
            if refusal is None:
                self._held = held.pop_all()
            else:
                self._write()
        if refusal is not None:
            raise refusal

    def attach(self, engine: Engine) -> None:
        """Listen to an evaluator."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._end)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._give_up)

    def _start(self, _: Engine) -> None:
        self._predictions.clear()
        self._started_s = perf_counter()

    def _collect(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            self._predictions[item["case_id"]].append(prediction_of(item["nodule_id"], output))

    def _end(self, engine: Engine) -> None:
        run = RunContext("monai.bundle run", str(engine.state.device))
        run.stages.add("open and score", perf_counter() - self._started_s)
        with self._held:
            self._write(run)

    def _give_up(self, _: Engine, error: Exception) -> None:
        """Leave the folder to others; what ended the run goes on to end it."""
        with self._held:
            raise error

    def _identify(self) -> BundleIdentity:
        return identify(self.bundle, self.worklist.prevalence, self.calibration)

    def _write(self, run: RunContext | None = None) -> None:
        cases = [record_case(opened, self._predictions[opened.case.case_id]) for opened in self.worklist.cases]
        written = write_results(results_of(cases, self._identify()), self.output_dir, run)
        for level, line in score_lines(cases):
            logger.log(level, "%s", line)
        for path in written:
            logger.info("wrote %s", printable(str(path)))
