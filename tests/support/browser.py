"""A headless Chromium that tests speak to by its own protocol, over two pipes: nothing to install beside it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

# As root, in a container, the sandbox does not start; the pages are our own.
_SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip
_NUL = b"\0"


def find_chromium() -> str:
    """Return Chromium's path; without it the test is skipped, and fails in CI."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed; CI needs it (Debian: chromium)")
        pytest.skip("chromium is not installed (Debian: chromium)")
    return program


class Browser:
    """A running Chromium.

    Args:
        chromium: its path.
    """

    def __init__(self, chromium: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        its_input, our_output = os.pipe()
        our_input, its_output = os.pipe()
        command = f'exec 3<&{its_input} 4>&{its_output}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", chromium, *_SWITCHES, f"--user-data-dir={self._profile.name}"],
            pass_fds=(its_input, its_output),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_input)
        os.close(its_output)
        self._to, self._from = os.fdopen(our_output, "wb", 0), os.fdopen(our_input, "rb")
        self._n_sent, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.call("Browser.close")
        self._process.wait(timeout=60)
        self._to.close()
        self._from.close()
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Return what a command of the protocol answers; events that come before the answer are kept."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": params}
        self._to.write(json.dumps(message if session is None else {**message, "sessionId": session}).encode() + _NUL)
        while True:
            answer = self._read()
            if answer.get("id") == self._n_sent:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self.events.append(answer)

    def wait_for(self, method: str) -> None:
        """Read on until an event has come."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        while _NUL not in self._rest:
            part = os.read(self._from.fileno(), 1 << 20)
            assert part, "Chromium has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(_NUL)
        return dict(json.loads(message))


class OpenPage:
    """A page that a browser has loaded.

    Args:
        browser: it.
        session: which of its pages.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return what a command of the protocol answers for this page."""
        return self._browser.call(method, self._session, **params)

    def ask(self, expression: str) -> Any:
        """Return the value of JavaScript that runs beside the page's policy, as a developer's console does."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key by its name."""
        codes = {"Tab": 9, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35}
        codes |= {"Enter": 13, "PageUp": 33, "PageDown": 34}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            pressed = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], **text}
            self.call("Input.dispatchKeyEvent", type=kind, **pressed)

    def screenshot(self, path: Path, clip: Mapping[str, float] | None = None) -> Path:
        """Write a PNG of the whole page, or of a part of it in pixels of the page, and return its path."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        whole = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 15000), "scale": 1}
        part = {**whole, **(clip or {})}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=part)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def said(self) -> list[str]:
        """Return what reached the console until now: messages, errors, what the policy kept out."""
        self.ask("new Promise(done => setTimeout(done, 50))")
        return [
            json.dumps(event["params"])
            for event in self._browser.events
            if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        ]

    def requested(self) -> list[str]:
        """Return the addresses that were asked for, but for what the page holds itself."""
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith("data:")
        ]


@contextmanager
def opened(
    browser: Browser,
    path: Path,
    width: int = 1000,
    *,
    is_dark: bool = False,
    has_script: bool = True,
) -> Iterator[OpenPage]:
    """Open a file as a page of its own.

    Args:
        browser: which browser.
        path: of the file.
        width: of the window, in pixels.
        is_dark: what the reader prefers.
        has_script: whether the page's scripts run.
    """
    browser.events.clear()
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    page = OpenPage(browser, session)
    for domain in ("Page", "Runtime", "Log", "Network"):
        page.call(f"{domain}.enable")
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
    page.call("Emulation.setEmulatedMedia", features=[scheme])
    page.call("Emulation.setScriptExecutionDisabled", value=not has_script)
    page.call("Page.navigate", url=path.resolve().as_uri())
    browser.wait_for("Page.loadEventFired")
    try:
        yield page
    finally:
        browser.call("Target.closeTarget", targetId=target)
