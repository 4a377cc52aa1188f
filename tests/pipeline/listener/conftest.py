"""A receiver in this process, and small studies to send."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nodulus.pipeline.listener.board import Board
from nodulus.pipeline.listener.events import Events
from nodulus.pipeline.listener.receiver import Receiver
from nodulus.pipeline.listener.settings import Door, Limits, Patience, Settings
from nodulus.pipeline.listener.spool import Spool

NO_FREE = Limits(free_bytes=0)


@dataclass
class Received:
    """A receiver that listens, and what is behind it."""

    port: int
    spool: Spool
    board: Board
    events: Events
    receiver: Receiver = field(repr=False)


Listen = Callable[..., Received]


@contextmanager
def receiving(folder: Path, door: Door, limits: Limits) -> Iterator[Received]:
    settings = Settings(folder, door, limits, Patience(settle_s=0.2))
    spool, board, events = Spool(folder, limits), Board(settings.patience), Events()
    receiver = Receiver(settings, spool, board, events)
    try:
        yield Received(receiver.start(), spool, board, events, receiver)
    finally:
        receiver.stop()
        spool.close()


@pytest.fixture(autouse=True)
def sockets_of_senders_are_closed() -> Iterator[None]:
    """pynetdicom leaves those of associations that were not granted to the garbage collector."""
    yield
    gc.collect()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Return what starts a receiver on a free port of loopback."""
    with ExitStack() as at_end:

        def start(limits: Limits = NO_FREE, **door: object) -> Received:
            return at_end.enter_context(receiving(tmp_path / "spool", Door(port=0, **door), limits))  # type: ignore[arg-type]

        yield start
