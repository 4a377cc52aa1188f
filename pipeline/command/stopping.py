"""Ctrl-C and SIGTERM end a command in order: what is at work is given up, what is done is kept."""

from __future__ import annotations

import os
import signal
from threading import Event

from nodulus.pipeline.exit_codes import ExitCode

_asked = Event()


def heed_signals() -> None:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt in this process, and a second of them end it at once.

    One that the process was started to ignore (``nohup``, a shell's background) stays ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def is_stopping() -> bool:
    """Return whether the command was asked to stop."""
    return _asked.is_set()


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt where one was raised before and got lost on its way.

    Libraries that catch everything turn it into an error of theirs: a case must not be recorded as refused for it.
    """
    if _asked.is_set():
        raise KeyboardInterrupt


def _stop(_number: int, _frame: object) -> None:
    if _asked.is_set():
        os._exit(ExitCode.STOPPED)
    _asked.set()
    raise KeyboardInterrupt
