"""What processes of the command log: errors, and nothing that ends a run, which is said anyway."""

from __future__ import annotations

import logging

from .quick_start import leave_extras_out


def log_errors() -> None:
    """Let this process log errors on standard error."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("ignite").setLevel(logging.CRITICAL)  # it logs the errors that end a run: `run` says them


def prepare_worker() -> None:
    """Let a process that scores for another start and log as the command itself does."""
    log_errors()
    leave_extras_out()
