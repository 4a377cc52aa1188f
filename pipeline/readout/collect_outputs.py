"""Keeps what a network gave for each nodule of an evaluator's run, and makes predictions of it."""

from __future__ import annotations

from dataclasses import dataclass

import ignite.distributed as idist
from ignite.engine import Engine, Events

from nodulus.transforms.patches.nodule_facts import NoduleFacts

from .readout import Readout


@dataclass(frozen=True)
class Output:
    """What the network gave for one nodule seen through one box.

    Args:
        logits: raw, in the order of ``characteristics.OUTPUTS``.
        facts: what the patch held.
        readout: None where there was no calibration to read it out by.
    """

    logits: tuple[float, ...]
    facts: NoduleFacts
    readout: Readout | None


class CollectOutputs:
    """Ignite handler that keeps each nodule's outputs, by nodule and by box ("own", "diameter").

    The evaluator's dataset holds each nodule twice (``load_data_list(..., boxes="both")``). Attach it after the
    postprocessing. Where several processes share the dataset, each has the outputs of all when the epoch is complete.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Output]] = {}

    def attach(self, engine: Engine) -> None:
        """Listen to an evaluator."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._gather)

    def check(self) -> None:
        """Raise what forbids the run: nothing here."""

    def _start(self, _: Engine) -> None:
        self.outputs = {}

    def _collect(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            self.outputs.setdefault(item["nodule_id"], {})[item["box"]] = Output(
                logits=tuple(float(value) for value in output["logits"]),
                facts=NoduleFacts.of_numbers(item["facts"]),
                readout=output.get("readout"),
            )

    def _gather(self, _: Engine) -> None:
        if idist.get_world_size() == 1:
            return
        mine, self.outputs = self.outputs, {}
        for of_process in idist.all_gather(mine):
            for nodule_id, by_box in of_process.items():
                self.outputs.setdefault(nodule_id, {}).update(by_box)
