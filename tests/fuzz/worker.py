"""Reads damaged inputs one after the other, and says of each on standard output how it ended; one JSON a line."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any

from nodulus.transforms.problems import NodulusError

from .families import FAMILIES
from .subject import Found, Subject

_MIB_OF_MAXRSS = 1 / 1024 if sys.platform != "darwin" else 1 / 1024**2
# Beyond what is asked of any input, so that one that takes it fails by itself and not the machine.
_MOST_ADDRESS_BYTES = 12 << 30


def main(name: str, seed: int, start: int, stop: int) -> None:
    """Read the inputs of a family that have these numbers."""
    family = next(family for family in FAMILIES if family.name == name)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESS_BYTES, _MOST_ADDRESS_BYTES))
    report = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no report
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        subjects = family.subjects(Path(folder))
        sound = [subject.read(subject.sound) for subject in subjects]
        for number in range(start, stop) if subjects else ():
            _tell(report, number=number, state="reading")
            index = number % len(subjects)
            ended = end_of(subjects[index], sound[index], seed, number)
            _tell(report, number=number, state="read", subject=subjects[index].name, peak_mib=peak_mib(), **ended)


def peak_mib() -> float:
    """Return the most memory that this process has held.

    Linux tells it of this program alone; the number of POSIX is never less than what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MIB_OF_MAXRSS


def damaged(subject: Subject, seed: int, number: int) -> bytes:
    """Return the bytes of an input, the same whatever was read before it."""
    return subject.damage(subject.sound, Random(f"{seed} {subject.name} {number}"))


def end_of(subject: Subject, sound: Found, seed: int, number: int) -> dict[str, Any]:
    """Return how an input ends: refused, equal, other, silent or error; with a word on it and its computing time."""
    content = damaged(subject, seed, number)
    started = time.process_time()
    end, why = _end(subject, sound, content)
    return {"end": end, "why": why, "seconds": time.process_time() - started}


def _end(subject: Subject, sound: Found, content: bytes) -> tuple[str, str]:
    try:
        found = subject.read(content)
    except NodulusError as error:
        line = str(error)
        is_fine = line.isprintable() and 0 < len(line) < 5000
        return ("refused", line[:200]) if is_fine else ("error", f"a refusal that is not one line: {line[:300]!r}")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "error", f"{type(error).__name__}: {str(error)[:300]} at {Path(last.filename).name}:{last.lineno}"
    silent = subject.silent(sound, found)
    if silent:
        return "silent", silent
    return ("equal", "") if subject.is_equal(sound, found) else ("other", "")


def _tell(report: Any, **facts: object) -> None:
    print(json.dumps(facts), file=report, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
