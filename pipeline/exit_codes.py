"""What the exit status of our programs says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of our programs says."""

    OK = 0
    INTERNAL_ERROR = 1
    USAGE = 2
    INPUT_REFUSED = 3
    SOME_FAILED = 4
    ARCHIVE_FAILED = 5
    STOPPED = 130  # as shells do: 128 + SIGINT
