"""One loopback origin that serves a built OHIF viewer and passes DICOMweb on to a PACS."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

_SOURCE = {
    "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
    "sourceName": "pacs",
    "configuration": {
        "friendlyName": "tests",
        "name": "pacs",
        "qidoRoot": "/dicom-web",
        "wadoRoot": "/dicom-web",
        "wadoUriRoot": "/dicom-web",
        "imageRendering": "wadors",
        "thumbnailRendering": "wadors",
        "qidoSupportsIncludeField": False,
        "supportsFuzzyMatching": False,
        "enableStudyLazyLoad": True,
        "omitQuotationForMultipartRequest": True,
    },
}
_CONFIG = {
    "routerBasename": "/",
    "extensions": [],
    "modes": [],
    "customizationService": {},
    "showStudyList": True,
    "disableConfirmationPrompts": True,
    "showCPUFallbackMessage": False,
    "investigationalUseDialog": {"option": "never"},
    "defaultDataSourceName": "pacs",
    "dataSources": [_SOURCE],
}


@contextmanager
def viewer_origin(viewer: Path, pacs: str) -> Iterator[str]:
    """Yield the address of the viewer in a folder, whose data are those of a PACS."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(viewer), **kwargs)

        def do_GET(self) -> None:
            place = self.path.split("?")[0]
            if place.startswith("/dicom-web/"):
                self._pass_on()
            elif place == "/app-config.js":
                self._answer(200, "text/javascript", f"window.config = {json.dumps(_CONFIG)};".encode())
            else:
                if not (viewer / place.lstrip("/")).is_file():
                    self.path = "/index.html"  # the viewer's own routes
                super().do_GET()

        def _pass_on(self) -> None:
            request = urllib.request.Request(pacs + self.path, headers={"Accept": self.headers.get("Accept", "*/*")})
            try:
                with urllib.request.urlopen(request, timeout=300) as answer:
                    self._answer(answer.status, answer.headers["Content-Type"], answer.read())
            except HTTPError as error:
                self._answer(error.code, "text/plain", error.read())

        def _answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
