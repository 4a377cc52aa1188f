"""What is known of each study that was not answered yet, and which of them is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from threading import Condition

from .settings import Patience

# Of the quiet time: a study is looked at ahead when it has been quiet for so long.
_AHEAD = 0.1


class State(str, Enum):
    """How far a study is; the value is what the status shows."""

    RECEIVING = "receiving"
    WAITING = "waiting"  # its objects give no answer so far
    GIVEN_UP = "given_up"  # the same, after a long time; a late object still wakes it
    SCORED = "scored"  # its answer is on its way
    ANSWERED = "answered"


@dataclass
class Study:
    """A study on the board; times are those of a monotonic clock.

    Args:
        n_objects: it has.
        changed: when the last one came.
        senders: associations that brought some and are open still.
        n_judged: objects that it had when it was last looked at; -1 before.
        n_foreseen: objects that it had when it was last looked at ahead of its time; -1 before.
        is_urged: whether it was looked at without waiting for announced images.
        is_short: whether that is what it waits for.
        state: how far it is.
    """

    n_objects: int
    changed: float
    senders: set[int] = field(default_factory=set)
    n_judged: int = -1
    n_foreseen: int = -1
    is_urged: bool = False
    is_short: bool = False
    state: State = State.RECEIVING


@dataclass(frozen=True)
class Due:
    """A study to look at.

    Args:
        study: its name.
        n_objects: it has.
        since: when it became due.
        is_urged: whether announced images that are missing are waited for no longer.
        is_ahead: whether it is not due yet: there is nothing else to do, and most likely nothing more comes for it.
    """

    study: str
    n_objects: int
    since: float
    is_urged: bool
    is_ahead: bool = False


class Board:
    """The studies of a spool, each with its state.

    Args:
        patience: when a study is due.
        clock: seconds that never go back.
    """

    def __init__(self, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._clock = patience, clock
        self._studies: dict[str, Study] = {}
        self._told = Condition()

    def add(self, study: str, sender: int) -> None:
        """Note a new object of a study, and the association that brought it."""
        with self._told:
            known = self._studies.setdefault(study, Study(0, 0.0))
            known.n_objects += 1
            known.changed = self._clock()
            known.senders.add(sender)
            known.is_urged = False
            if known.state is not State.SCORED:
                known.state = State.RECEIVING

    def found(self, study: str, n_objects: int, state: State, *, is_judged: bool) -> None:
        """Note a study that was there at the start, and whether its answer is of all that it has."""
        with self._told:
            n_judged = n_objects if is_judged else -1
            self._studies[study] = Study(n_objects, self._clock(), n_judged=n_judged, state=state)

    def is_closed(self, sender: int) -> None:
        """Note that an association ended."""
        with self._told:
            for study in self._studies.values():
                study.senders.discard(sender)
            self._told.notify_all()

    def keep_senders(self, open_now: set[int]) -> None:
        """Note which associations are open still, should the end of one not have been told."""
        with self._told:
            for study in self._studies.values():
                study.senders &= open_now

    def next_due(self, wait_s: float) -> Due | None:
        """Return the study that has been due for longest, None where there is none within some seconds.

        Where none is due, one that will be when nothing more comes for it; each once for the objects that it has.
        """
        with self._told:
            if (due := self._due() or self._foreseen()) is None:
                self._told.wait(wait_s)
                due = self._due() or self._foreseen()
            return due

    def judged(self, due: Due, state: State, *, is_short: bool = False) -> None:
        """Note what became of a study that was due."""
        with self._told:
            study = self._studies[due.study]
            study.n_judged, study.is_short, study.is_urged = due.n_objects, is_short, due.is_urged
            study.state = State.RECEIVING if study.n_objects > due.n_objects and state is State.WAITING else state

    def delivered(self, study: str) -> None:
        """Note that the answer of a study has arrived."""
        with self._told:
            known = self._studies[study]
            known.state = State.ANSWERED if known.n_objects == known.n_judged else State.RECEIVING

    def give_up_the_old(self) -> list[str]:
        """Let studies that have waited for too long count as given up, and return them."""
        with self._told:
            before = self._clock() - self._patience.count_s
            old = [
                name
                for name, study in self._studies.items()
                if study.state is State.WAITING and study.changed < before and not study.is_short
            ]
            for name in old:
                self._studies[name].state = State.GIVEN_UP
            return old

    def removable(self, *, is_full: bool) -> list[tuple[str, int]]:
        """Return studies to remove, and how many objects they have: those that were kept for long.

        Of a full spool all that were answered go, too.
        """
        now = self._clock()
        with self._told:
            at_rest = [(study.changed, name) for name, study in self._studies.items() if _is_at_rest(study)]
            return [
                (name, self._studies[name].n_objects)
                for changed, name in sorted(at_rest)
                if now - changed > self._patience.keep_s
                or (is_full and self._studies[name].state is State.ANSWERED and now - changed > self._patience.settle_s)
            ]

    def forget(self, study: str) -> None:
        """Take a study that was removed from the board, unless something has come for it since."""
        with self._told:
            if study in self._studies and _is_at_rest(self._studies[study]):
                del self._studies[study]

    def n_waiting(self) -> int:
        """Return how many studies have no answer yet and may still get one."""
        with self._told:
            return sum(study.state not in (State.ANSWERED, State.GIVEN_UP) for study in self._studies.values())

    def counts(self) -> dict[State, int]:
        """Return how many studies are in each state."""
        with self._told:
            states = [study.state for study in self._studies.values()]
        return {state: states.count(state) for state in State}

    def _due(self) -> Due | None:
        now = self._clock()
        times = {name: self._since(study, now) for name, study in self._studies.items()}
        ready = [(since, name) for name, since in times.items() if since is not None]
        if not ready:
            return None
        since, name = min(ready)
        study = self._studies[name]
        return Due(name, study.n_objects, since, self._is_late(study, now))

    def _foreseen(self) -> Due | None:
        now = self._clock()
        for name, study in self._studies.items():
            is_looked_at = study.n_objects in (study.n_judged, study.n_foreseen)
            is_quiet = now >= study.changed + _AHEAD * self._patience.settle_s
            if is_quiet and not (is_looked_at or study.senders or study.state is State.SCORED):
                study.n_foreseen = study.n_objects
                return Due(name, study.n_objects, now, is_urged=False, is_ahead=True)
        return None

    def _since(self, study: Study, now: float) -> float | None:
        """Return since when a study is due, None where it is not; one whose answer is on its way waits for that."""
        settled = study.changed + self._patience.settle_s
        if study.senders or now < settled or study.state is State.SCORED:
            return None
        if study.n_objects != study.n_judged:
            return settled
        is_due_again = study.is_short and not study.is_urged and self._is_late(study, now)
        return study.changed + self._patience.count_s if is_due_again else None

    def _is_late(self, study: Study, now: float) -> bool:
        return now >= study.changed + self._patience.count_s


def _is_at_rest(study: Study) -> bool:
    return study.state in (State.ANSWERED, State.GIVEN_UP) and not study.senders and study.n_judged == study.n_objects
