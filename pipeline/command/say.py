"""How a line reaches the terminal: names come from outside; what they hold must neither act nor end a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from nodulus.transforms.problems import printable


def say(*lines: str, written: Iterable[Path] = (), err: bool = False) -> None:
    """Print lines for people, and then the path of each file that was written; control characters become escapes."""
    for line in (*lines, *(f"wrote {path}" for path in written)):
        print(printable(line), file=sys.stderr if err else sys.stdout)


def say_json(record: object) -> None:
    """Print a record for programs, indented, in letters that every encoding has."""
    print(json.dumps(record, indent=2))  # noqa: T201 - and records


def escape_what_cannot_be_encoded() -> None:
    """Let standard output and error show letters that their encoding lacks as escapes: a name must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # what a test or a notebook puts there may have none
            reconfigure(errors="backslashreplace")
