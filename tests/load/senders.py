"""Senders that do what modalities do: several at a time, again until it is acknowledged, and some that may not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from pydicom import Dataset
from pynetdicom.association import Association

from tests.load.plan import N_LATE, Planned
from tests.support.listening import associate, status_of
from tests.support.small_studies import SmallStudy

TITLE, STRANGER = "SENDER", "STRANGER"
_GIVES_UP_S = 300


@dataclass
class Sent:
    """What came of sending; times are those of the monotonic clock.

    Args:
        acknowledged: by study, when the last of its objects was.
        again: by study, how often an object had to be sent once more because nobody acknowledged it.
        seconds: from the first byte of each object to its acknowledgement.
        strangers_let_in: associations that a stranger got.
    """

    acknowledged: dict[int, float] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    strangers_let_in: int = 0
    n_strangers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def n_acknowledged(self) -> int:
        return len(self.seconds)


class Sender:
    """Sends studies two at a time through two associations, each study through both."""

    def __init__(self, port: int, model: SmallStudy, sent: Sent, late_after_s: float, seed: int) -> None:
        self._port, self._model, self._sent = port, model, sent
        self._late_after_s, self._chance = late_after_s, Random(seed)
        self._open: list[Association | None] = [None, None]

    def send(self, pair: Sequence[Planned]) -> Callable[[], None] | None:
        """Send two studies; return what sends their late images, where there are some."""
        parts: list[tuple[int, Dataset]] = []
        late: list[tuple[int, Dataset]] = []
        for planned in pair:
            if planned.has_stranger:
                self._try_as_a_stranger()
            study = planned.made_of(self._model)
            held_back = study.images[-N_LATE:] if planned.is_late else []
            now = [one for one in study.objects if not any(one is each for each in held_back)]
            now += self._chance.sample(now, planned.n_again)
            parts += [(planned.number, one) for one in now]
            late += [(planned.number, one) for one in held_back]
        self._chance.shuffle(parts)
        self._send_all(parts)
        if not late:
            return None
        due = time.monotonic() + self._late_after_s

        def send_late() -> None:
            time.sleep(max(0.0, due - time.monotonic()))
            self._send_all(late)

        return send_late

    def _send_all(self, parts: Sequence[tuple[int, Dataset]]) -> None:
        for index, (number, one) in enumerate(parts):
            self._send_until_acknowledged(index % 2, number, one)
        for which, association in enumerate(self._open):
            if association is not None and association.is_established:
                association.release()
            self._open[which] = None

    def _send_until_acknowledged(self, which: int, number: int, one: Dataset) -> None:
        end = time.monotonic() + _GIVES_UP_S
        while time.monotonic() < end:
            association = self._open[which]
            if association is None or not association.is_established:
                self._open[which] = associate(self._port, TITLE)
                if not self._open[which].is_established:  # type: ignore[union-attr]
                    time.sleep(0.2)
                    continue
            began = time.monotonic()
            status = status_of(self._open[which], one)  # type: ignore[arg-type]
            ended = time.monotonic()
            with self._sent.lock:
                if status == 0:
                    self._sent.seconds.append(ended - began)
                    self._sent.acknowledged[number] = max(ended, self._sent.acknowledged.get(number, 0.0))
                    return
                self._sent.again[number] = self._sent.again.get(number, 0) + 1
            time.sleep(0.1)
        raise AssertionError("an object was never acknowledged")

    def _try_as_a_stranger(self) -> None:
        association = associate(self._port, STRANGER)
        with self._sent.lock:
            self._sent.n_strangers += 1
            self._sent.strangers_let_in += association.is_established
        if association.is_established:
            association.abort()
