"""Runs a config of the bundle in several processes, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.pages import ROOT

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


def run_in_processes(n_processes: int, configs: list[Path], **values: Any) -> subprocess.CompletedProcess[str]:
    """Run configs one over the other with values of ids replaced; return how it ended."""
    words = [word for key, value in values.items() for word in (f"--{key.replace('::', '#')}", _as_word(value))]
    names = json.dumps([str(path) for path in configs])
    command = [sys.executable, *LAUNCH, str(n_processes), "-m", "monai.bundle", "run", "--config_file", names, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # configs of tests name classes of tests
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def _as_word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
