"""What happens, told twice: as a line of JSON for a log, and as a number for a monitor. Neither names a patient."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import datetime, timezone
from threading import Lock
from typing import IO

# Counters of the Prometheus text, by their events: name, help, and the detail that becomes a label.
COUNTED = {
    "stored": ("objects_stored_total", "Objects that were acknowledged and were new.", None),
    "copy": ("objects_again_total", "Objects that were acknowledged and had come before.", None),
    "refused": ("objects_refused_total", "Objects that were refused, by reason.", "reason"),
    "caller_refused": ("associations_refused_total", "Associations that were refused.", None),
    "opened": ("associations_total", "Associations that were accepted.", None),
    "looked": ("studies_looked_at_total", "Times that a study was looked at, by outcome.", "outcome"),
    "delivered": ("answers_delivered_total", "Answers that arrived.", None),
    "delivery_failed": ("deliveries_failed_total", "Times that the archive did not take an answer.", None),
    "scoring_died": ("scoring_died_total", "Times that the scoring process ended.", None),
    "given_up": ("studies_given_up_total", "Studies that waited in vain.", None),
    "removed": ("studies_removed_total", "Studies that were removed from the spool.", None),
}
# Sums of seconds, and how many there are: name and help.
TIMED = {
    "acknowledge": ("acknowledge_seconds", "From an object's last byte to its acknowledgement."),
    "answer": ("answer_seconds", "From the end of the quiet time to an answer that arrived."),
}
# Too many for a log: a monitor counts them.
_NOT_LOGGED = frozenset({"stored", "copy"})


class Events:
    """Takes note of what happens, from any thread.

    Args:
        log: where the lines go; None is standard error.
    """

    def __init__(self, log: IO[str] | None = None) -> None:
        self._log = log
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seconds = dict.fromkeys(TIMED, (0.0, 0))

    def note(self, event: str, **details: str | float) -> None:
        """Note an event. Details are hashes, codes, numbers: nothing as it came over the network."""
        label = COUNTED[event][2] if event in COUNTED else None
        with self._lock:
            self._counts[event, str(details[label]) if label else ""] += 1
            if event not in _NOT_LOGGED:
                now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
                print(json.dumps({"time": now, "event": event, **details}), file=self._log or sys.stderr, flush=True)

    def took(self, what: str, seconds: float) -> None:
        """Note how long something took that is timed."""
        with self._lock:
            total, n = self._seconds[what]
            self._seconds[what] = total + seconds, n + 1

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how often each event happened, by its label where it has one."""
        with self._lock:
            return dict(self._counts)

    def seconds(self) -> dict[str, tuple[float, int]]:
        """Return the sum of the seconds of what is timed, and how many there are."""
        with self._lock:
            return dict(self._seconds)
