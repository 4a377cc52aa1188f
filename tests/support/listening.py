"""A listener in a process of its own, and senders for it."""

from __future__ import annotations

import json
import math
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from nodulus.pipeline.listener.arrival import KINDS
from nodulus.pipeline.listener.refused_sockets import close_refused_sockets

SETTLE_S = 0.3
_WITHIN_S = 240.0  # a machine that does much else


class ListenerProcess:
    """`nodulus listen` on a spool. Its log lies beside the spool, and grows over restarts."""

    def __init__(
        self,
        spool: Path,
        target: str,
        *options: str,
        port: int = 0,
        settle_s: float = SETTLE_S,
        start: Sequence[str] = (sys.executable, "-m", "nodulus", "listen"),
    ) -> None:
        self.spool, self.log = spool, spool.with_name(f"{spool.name}.log")
        said = ["--settle", str(settle_s), "--metrics-port", "0", "--min-free-gb", "0", *options]
        self.command = [*start, str(spool), "--to", target, *said]
        self.port, self.metrics_port = port, 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it listens: at the same port as before."""
        n_before = len(self.events("listening"))
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            command = [*self.command, "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wait_for(lambda: len(self.events("listening")) > n_before or self.process.poll() is not None)  # type: ignore[union-attr]
        assert self.process.poll() is None, self.log.read_text()
        self.port = self.events("listening")[-1]["port"]
        self.metrics_port = self.events("status")[-1]["port"]

    def kill(self) -> None:
        """Kill it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=_WITHIN_S)

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return what its log tells of some events."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [each for each in told if each["event"] in names]

    def metric(self, name: str) -> float:
        """Return a number that its status page shows, NaN where it does not."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ")[2] for line in lines if line.startswith(f"nodulus_listen_{name} ")]
        return float(found[0]) if found else math.nan

    def is_ready(self) -> bool:
        """Return whether it scores: its model is loaded."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/health", timeout=30).close()
        except HTTPError:
            return False
        return True

    def objects(self) -> list[Path]:
        """Return the objects in its spool."""
        return sorted(path for path in self.spool.glob("studies/*/*/*.dcm"))


@contextmanager
def listening(spool: Path, target: str, *options: str, **more: Any) -> Iterator[ListenerProcess]:
    """Yield a listener that is stopped afterwards."""
    listener = ListenerProcess(spool, target, *options, **more)
    try:
        listener.start()
        yield listener
    finally:
        if listener.process is not None and listener.process.poll() is None:
            listener.stop()


def sender(title: str = "SENDER") -> ApplicationEntity:
    """Return an application that offers all that a listener takes."""
    close_refused_sockets()  # a listener that was killed refuses
    ae = ApplicationEntity(title)
    for kind in KINDS:
        ae.add_requested_context(kind, ExplicitVRLittleEndian)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    return ae


def associate(port: int, title: str = "SENDER", context: ssl.SSLContext | None = None) -> Association:
    """Return an association with a listener, established or not."""
    tls = (context, "localhost") if context else None
    association = sender(title).associate("127.0.0.1", port, tls_args=tls)
    association.dul._run_loop_delay = 0.001  # by default most of the time would be the sender's own sleep
    return association


def send(port: int, objects: Iterable[Dataset], title: str = "SENDER") -> list[int | None]:
    """Send objects in one association and return their statuses; None where there was no answer."""
    association = associate(port, title)
    assert association.is_established
    try:
        return [status_of(association, one) for one in objects]
    finally:
        with suppress(RuntimeError):
            association.release()


def status_of(association: Association, one: Dataset) -> int | None:
    """Send an object and return the status of its acknowledgement; None where there was none."""
    try:
        status = association.send_c_store(one).get("Status")
    except RuntimeError:  # the association ended
        return None
    return None if status is None else int(status)


def wait_for(is_so: Callable[[], object], within_s: float = _WITHIN_S) -> None:
    """Return once something is so; fail where it is not within some time."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
