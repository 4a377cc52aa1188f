"""Stands before a PACS and fails as networks and servers do: refuses, or breaks off after so many bytes."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError


@dataclass
class Faults:
    """What is to go wrong; nothing by default.

    Args:
        break_after_bytes: an answer to a GET of the data ends there.
        refuse_posts_from: the number of the POST, from 1, from which on they get HTTP 507.
        requests: what was asked, in order.
    """

    break_after_bytes: int | None = None
    refuse_posts_from: int | None = None
    requests: list[str] = field(default_factory=list)

    @property
    def n_posts(self) -> int:
        return sum(each.startswith("POST") for each in self.requests)


@contextmanager
def faulty_archive(pacs: str, faults: Faults) -> Iterator[str]:
    """Yield the address of something that passes requests on to a PACS, with faults."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            faults.requests.append(f"GET {self.path}")
            self._pass_on(None)

        def do_POST(self) -> None:
            faults.requests.append(f"POST {self.path}")
            content = self._content()
            if faults.refuse_posts_from is not None and faults.n_posts >= faults.refuse_posts_from:
                self._answer(507, "text/plain", b"full")
            else:
                self._pass_on(content)

        def _content(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _pass_on(self, content: bytes | None) -> None:
            names = ("Accept", "Content-Type")
            headers = {name: self.headers[name] for name in names if name in self.headers}
            try:
                request = urllib.request.Request(pacs + self.path, data=content, headers=headers)
                with urllib.request.urlopen(request, timeout=300) as answer:
                    self._answer(answer.status, answer.headers["Content-Type"], answer.read())
            except HTTPError as error:
                self._answer(error.code, "text/plain", error.read())

        def _answer(self, status: int, kind: str | None, content: bytes) -> None:
            most = faults.break_after_bytes
            is_cut = most is not None and "multipart" in str(kind) and len(content) > most
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:most] if is_cut else content)
            self.close_connection = is_cut

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
