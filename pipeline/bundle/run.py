"""Runs an evaluator's config to its end, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow

# Told what is being done, how much of it is done, and of how much; 0 of 0 where nobody can tell.
Tell = Callable[[str, int, int], None]


def tell_nobody(what: str, done: int, of: int) -> None:
    """Take what is told, and show it nowhere."""


def run_evaluator(workflow: ConfigWorkflow, what: str, tell: Tell, then: str = "") -> None:
    """Run a workflow whose engine is its ``evaluator``, and tell of each batch.

    Args:
        workflow: as ``make_workflow`` returns it.
        what: is done to the nodules, "scoring".
        tell: is told.
        then: what is done when all batches are, before the run ends; empty where that takes no time.
    """
    workflow.initialize()
    evaluator = workflow.parser.get_parsed_content("evaluator")

    def tell_of_batch(engine: Engine) -> None:
        tell(f"{what}, batch", (engine.state.iteration - 1) % engine.state.epoch_length + 1, engine.state.epoch_length)

    evaluator.add_event_handler(Events.ITERATION_COMPLETED, tell_of_batch)
    if then:
        evaluator.add_event_handler(Events.EPOCH_COMPLETED, lambda _: tell(then, 0, 0))
    workflow.run()
    workflow.finalize()
