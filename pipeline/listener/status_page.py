"""What a monitor asks: numbers in Prometheus's text format at /metrics, and whether the listener works at /health."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .events import COUNTED, TIMED, Events

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "nodulus_listen"
_SILENCE_S = 10

# The present values of a few gauges: name and labels, help, value.
Gauges = Callable[[], list[tuple[str, str, float]]]


def metrics_text(events: Events, gauges: Gauges) -> str:
    """Return all numbers in the text format."""
    lines: list[str] = []
    counts = events.counts()
    for event, (name, told, label) in COUNTED.items():
        lines += [f"# HELP {_PREFIX}_{name} {told}", f"# TYPE {_PREFIX}_{name} counter"]
        found = {what: n for (which, what), n in counts.items() if which == event}
        if label is None:
            lines.append(f"{_PREFIX}_{name} {found.get('', 0)}")
        lines += [f'{_PREFIX}_{name}{{{label}="{what}"}} {n}' for what, n in sorted(found.items()) if label]
    for what, (total, n) in events.seconds().items():
        name, told = TIMED[what]
        lines += [f"# HELP {_PREFIX}_{name} {told}", f"# TYPE {_PREFIX}_{name} summary"]
        lines += [f"{_PREFIX}_{name}_sum {total:.6f}", f"{_PREFIX}_{name}_count {n}"]
    seen: set[str] = set()
    for labelled, told, value in gauges():
        name = labelled.partition("{")[0]
        if name not in seen:
            lines += [f"# HELP {_PREFIX}_{name} {told}", f"# TYPE {_PREFIX}_{name} gauge"]
            seen.add(name)
        lines.append(f"{_PREFIX}_{labelled} {value:g}")
    return "\n".join(lines) + "\n"


@contextmanager
def status_page(port: int, events: Events, gauges: Gauges, is_well: Callable[[], bool]) -> Iterator[int]:
    """Serve the page on the loopback interface, and yield its port.

    Args:
        port: 0 takes a free one.
        events: what is counted.
        gauges: what is measured when it is asked for.
        is_well: whether what should be at work is.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_S

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, metrics_text(events, gauges))
            elif self.path == "/health":
                self._answer(*((200, "ok\n") if is_well() else (503, "not at work\n")))
            else:
                self._answer(404, "/metrics or /health\n")

        def _answer(self, status: int, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", _TEXT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - as its base has it
            """Say nothing: the log tells of studies."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
