"""Runs workers, and watches each input for time, memory and an end by a signal."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).resolve().parents[2]
# Of computing: a busy machine makes no input hang. What only waits is given ten times that.
MOST_SECONDS = 20.0
_MOST_WAIT_SECONDS = 200.0
MOST_MIB = 2048.0
# To import what is tested and to write the sound inputs.
_START_SECONDS = 600.0


@dataclass(frozen=True)
class Ended:
    """How one input ended: refused, equal, other, silent, error, hang or killed."""

    family: str
    subject: str
    number: int
    end: str
    why: str
    seconds: float
    peak_mib: float

    @property
    def is_failure(self) -> bool:
        """Whether it should not have ended so."""
        return self.end in ("silent", "error", "hang", "killed") or self.peak_mib > MOST_MIB


def watch(family: str, seed: int, start: int, stop: int) -> Iterator[Ended]:
    """Yield how the inputs of a family end; after one that hangs or kills its process, another goes on."""
    while start < stop:
        reading = start
        for ended in _one_worker(family, seed, start, stop):
            reading = ended.number + 1
            yield ended
        if reading == start:
            return  # a family without subjects here
        start = reading


def _one_worker(family: str, seed: int, start: int, stop: int) -> Iterator[Ended]:
    command = [sys.executable, "-m", "tests.fuzz.worker", family, str(seed), str(start), str(stop)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: queue.Queue[str] = queue.Queue()
        said: list[str] = []
        readers = [
            threading.Thread(target=_pass_on, args=(process.stdout, lines)),
            threading.Thread(target=said.extend, args=(process.stderr,)),
        ]
        for reader in readers:
            reader.start()
        try:
            yield from _follow(family, process, lines, said)
        finally:
            process.kill()
            for reader in readers:
                reader.join()


def _follow(family: str, process: subprocess.Popen[str], lines: queue.Queue[str], said: list[str]) -> Iterator[Ended]:
    """Yield what a worker reports, and the input at which it stopped to."""
    reading: int | None = None
    limit = _Limit(process.pid, _START_SECONDS, _START_SECONDS)
    try:
        while line := limit.next_of(lines):
            facts = json.loads(line)
            state, number = facts.pop("state"), facts.pop("number")
            reading = number if state == "reading" else None
            most = (_START_SECONDS, _START_SECONDS) if reading is None else (MOST_SECONDS, _MOST_WAIT_SECONDS)
            limit = _Limit(process.pid, *most)
            if state == "read":
                yield Ended(family, number=number, **facts)
                if facts["peak_mib"] > MOST_MIB:
                    return  # its peak would be told of every input after it
    except TimeoutError as error:
        if reading is None:
            raise RuntimeError(f"the worker of {family} did not begin: {error}") from None
        yield Ended(family, "", reading, "hang", str(error), MOST_SECONDS, 0.0)
        return
    code = process.wait()
    if reading is not None:
        yield Ended(family, "", reading, "killed", f"exit code {code}: {''.join(said)[-300:]}", 0.0, 0.0)
    elif code:
        raise RuntimeError(f"the worker of {family} ended with {code}: {''.join(said)[-2000:]}")


class _Limit:
    """How long a process may take from now on until it says something."""

    def __init__(self, process_id: int, most_seconds: float, most_wait_seconds: float) -> None:
        self._process = psutil.Process(process_id)
        self._most_seconds, self._most_wait_seconds = most_seconds, most_wait_seconds
        self._computed_before, self._before = self._computed(), time.monotonic()

    def next_of(self, lines: queue.Queue[str]) -> str:
        """Return the next line, empty at the end.

        Raises:
            TimeoutError: none came, though the process computed or waited for as long as it may.
        """
        while True:
            try:
                return lines.get(timeout=min(0.5, self._most_seconds))
            except queue.Empty:
                computed, waited = self._computed() - self._computed_before, time.monotonic() - self._before
                if computed >= self._most_seconds or waited >= self._most_wait_seconds:
                    raise TimeoutError(f"no end, {computed:.0f} s of computing, {waited:.0f} s in all") from None

    def _computed(self) -> float:
        try:
            times = self._process.cpu_times()
        except psutil.Error:  # it ended, and what it said is still to be read
            return 0.0
        return float(times.user + times.system)


def _pass_on(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")
