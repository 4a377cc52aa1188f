"""A headless Chromium that tests talk to through its debugging pipe: no driver, no port, no further package."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.dicom_validators import needed_tool

# As root, in a container, the sandbox does not start; the pages are our own or come from loopback.
_WORDS = ["--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_WORDS += ["--remote-debugging-pipe", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run"]
_ANSWERS_WITHIN_S = 600


class Page:
    """One page of a browser.

    Args:
        commands: the file descriptor that the browser reads.
        answers: the one that it writes.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._send("Page.enable")

    def open(self, url: str) -> None:
        """Begin to load a page."""
        self._send("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return what a script evaluates to, a promise's value included, as plain data."""
        said = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def wait_for(self, script: str, within_s: float) -> Any:
        """Return the first value of a script that is true of the page."""
        end = time.monotonic() + within_s
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"not within {within_s} s: {script}"
            time.sleep(0.5)
        return value

    def save_picture(self, path: Path) -> None:
        """Write what the page shows as a PNG."""
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot")["data"]))

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        command = {"id": self._number, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        """Return the next message; they end with a zero."""
        while b"\0" not in self._rest:
            assert select.select([self._answers], [], [], _ANSWERS_WITHIN_S)[0], "the browser does not answer"
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(message))


@contextmanager
def open_page(folder: Path, width_px: int = 1600, height_px: int = 1000) -> Iterator[Page]:
    """Yield a page of a browser whose profile is in a folder; the browser ends afterwards."""
    program = needed_tool("chromium", "chromium")
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    words = [program, *_WORDS, f"--window-size={width_px},{height_px}", f"--user-data-dir={folder / 'profile'}"]
    # The browser reads from descriptor 3 and writes to 4.
    shell = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    with (folder / "chromium.log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", *words], pass_fds=(to_browser, from_browser), stdout=log, stderr=log
        )
    for theirs in (to_browser, from_browser):
        os.close(theirs)
    try:
        yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait(timeout=60)
        os.close(commands)
        os.close(answers)
