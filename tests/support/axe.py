"""axe-core, which finds what keeps people out of a page: fetched once by npm, outside the repository's files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "4.14.1"


def axe_source() -> str:
    """Return axe-core as JavaScript; without npm, or without its registry, the test is skipped, and fails in CI."""
    home = Path(sys.prefix) / "axe-core" / VERSION
    script = home / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            _do_without("npm is not installed (Debian: npm)")
        command = [str(npm), "install", "--silent", "--no-save", "--prefix", str(home), f"axe-core@{VERSION}"]
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if not script.is_file():
            _do_without(f"npm did not fetch axe-core {VERSION}: {done.stderr[-300:]}")
    return script.read_text(encoding="utf-8")


def _do_without(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; CI needs it")
    pytest.skip(reason)
