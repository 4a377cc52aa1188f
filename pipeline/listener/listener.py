"""The listener: receives, looks at studies when they are due, and delivers their answers until they have arrived."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from nodulus.transforms.problems import internal_error

from .answers import digest_of, last_answer, note_delivered, put_in_place
from .board import Board, Due, State
from .events import Events
from .looked import Looked
from .looked_ahead import LookedAhead
from .receiver import Receiver
from .scoring_process import ScoringDiedError, ScoringProcess
from .settings import Settings
from .spool import Spool
from .target import Target

# A study at which so many scoring processes died is looked at no more until it grows.
_MOST_DEATHS = 3
_LOOKS_EVERY_S, _CHORES_EVERY_S = 0.02, 1.0
_ENDS_WITHIN_S = 5.0
_FULL = 0.8  # of the spool: what was answered is removed from then on
# An archive that does not answer is tried again after so long, doubled each time, and then at most.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0


@dataclass(frozen=True)
class Delivery:
    """A study whose last answer is to be delivered, and when it was due, on the monotonic clock."""

    study: str
    due: float


class Listener:
    """Goes from objects to answers. Nothing that it knows is in its memory alone: another one goes on from its spool.

    Args:
        settings: all it is told.
        scoring: looks at studies.
        target: where answers go.
        events: what happens is told there.
    """

    def __init__(self, settings: Settings, scoring: ScoringProcess, target: Target, events: Events) -> None:
        self._settings, self._scoring, self._target, self._events = settings, scoring, target, events
        self._spool = Spool(settings.spool, settings.limits)
        self._board = Board(settings.patience)
        self._receiver = Receiver(settings, self._spool, self._board, events)
        self._deliveries: queue.Queue[Delivery] = queue.Queue()
        self._deaths: Counter[tuple[str, int]] = Counter()
        self._ahead = LookedAhead()
        self._wait_s = _FIRST_WAIT_S
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(task, every_s), name=task.__name__, daemon=True)
            for task, every_s in ((self._look, 0.0), (self._deliver, 0.0), (self._do_chores, _CHORES_EVERY_S))
        ]

    def start(self) -> int:
        """Take up what the spool holds, begin to listen, load the model, and return the port.

        What comes meanwhile is kept.

        Raises:
            UsageError: the bundle, the device, the address or the certificate cannot be used.
        """
        self._take_up()
        port = self._receiver.start()
        self._events.note("listening", port=port)
        self._scoring.start()
        for thread in self._threads:
            thread.start()
        return port

    def stop(self) -> None:
        """End; what is not finished is taken up by the next listener on the spool."""
        self._stopping.set()
        self._receiver.stop()
        self._scoring.interrupt()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(_ENDS_WITHIN_S)
        self._scoring.stop()
        self._spool.close()
        self._events.note("stopped")

    def is_well(self) -> bool:
        """Return whether all that should be at work is."""
        return all(thread.is_alive() for thread in self._threads)

    def gauges(self) -> list[tuple[str, str, float]]:
        """Return what a monitor may ask of the present: names with labels, help, values."""
        states = [
            (f'studies{{state="{state.value}"}}', "Studies in the spool.", float(n))
            for state, n in self._board.counts().items()
        ]
        limits = self._settings.limits
        return [
            *states,
            ("spool_bytes", "Bytes in the spool.", float(self._spool.used_bytes)),
            ("spool_limit_bytes", "Bytes that the spool takes.", float(limits.spool_bytes)),
            ("deliveries_waiting", "Answers that have not arrived yet.", float(self._deliveries.qsize())),
        ]

    def _take_up(self) -> None:
        """Put the studies of the spool on the board, each as far as it was."""
        for study, n_objects in self._spool.studies().items():
            place = self._spool.place(study)
            answer = last_answer(place)
            is_of_all = answer is not None and answer.digest == digest_of(place)
            state = State.ANSWERED if is_of_all else State.RECEIVING
            if answer is not None and not answer.is_delivered:
                state = State.SCORED
                self._deliveries.put(Delivery(study, time.monotonic()))
            self._board.found(study, n_objects, state, is_judged=is_of_all)

    def _work(self, task: Callable[[], None], every_s: float) -> None:
        """Do a task again and again; an error of ours ends it, and with it the listener."""
        while not self._stopping.wait(every_s):
            try:
                task()
            except Exception as error:
                self._events.note("failed", kind=internal_error(error).partition(":")[0])
                return

    def _look(self) -> None:
        if (due := self._board.next_due(_LOOKS_EVERY_S)) is None:
            return
        if not due.is_ahead:
            self._events.note("looked", study=due.study, outcome=self._look_at(due))
        elif (looked := self._ask_scoring(due)) is not None:
            self._ahead.keep(due.study, due.n_objects, looked)

    def _ask_scoring(self, due: Due) -> Looked | str | None:
        """Return what a study gives, or the kind of error that it ends in; None where the scoring died of it."""
        try:
            return self._scoring.look_at(self._spool.place(due.study), is_urged=due.is_urged)
        except ScoringDiedError:
            self._events.note("scoring_died", study=due.study)
            self._deaths[due.study, due.n_objects] += 1
            return None

    def _look_at(self, due: Due) -> str:
        """Look at a study that is due, and return the outcome: scored, or why not."""
        if due.is_urged:  # what was found ahead waited for announced images
            self._ahead.drop(due.study)
        looked = self._ahead.take(due.study, due.n_objects) or self._ask_scoring(due)
        if looked is None:
            if self._deaths[due.study, due.n_objects] >= _MOST_DEATHS:
                self._board.judged(due, State.WAITING)
            return "died"
        if isinstance(looked, str):
            self._board.judged(due, State.WAITING)
            return looked
        if looked.folder is None:
            self._board.judged(due, State.WAITING, is_short=looked.is_short)
            return looked.codes[0]
        self._spool.add_bytes(put_in_place(looked.folder, self._spool.place(due.study)))
        self._board.judged(due, State.SCORED)
        self._deliveries.put(Delivery(due.study, due.since))
        return "scored"

    def _deliver(self) -> None:
        """Deliver an answer; where that fails it goes to the end of the queue."""
        try:
            delivery = self._deliveries.get(timeout=_LOOKS_EVERY_S)
        except queue.Empty:
            return
        answer = last_answer(self._spool.place(delivery.study))
        if answer is None:
            return
        try:
            self._target.store(answer.files())
        except Exception as error:  # whatever its archive or the way there makes of it, the answer is kept
            self._events.note("delivery_failed", study=delivery.study, kind=type(error).__name__)
            self._deliveries.put(delivery)
            self._stopping.wait(self._wait_s)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            return
        self._wait_s = _FIRST_WAIT_S
        note_delivered(answer)
        self._board.delivered(delivery.study)
        self._events.took("answer", time.monotonic() - delivery.due)
        self._events.note("delivered", study=delivery.study, objects=len(answer.files()))

    def _do_chores(self) -> None:
        self._board.keep_senders(self._receiver.senders())
        for study in self._board.give_up_the_old():
            self._events.note("given_up", study=study)
        is_full = self._spool.used_bytes > _FULL * self._settings.limits.spool_bytes
        for study, n_objects in self._board.removable(is_full=is_full):
            if self._spool.remove(study, n_objects):
                self._board.forget(study)
                self._events.note("removed", study=study)
