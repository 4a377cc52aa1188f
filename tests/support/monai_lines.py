"""Runs lines of MONAI's bundle commands, each as a user would, in one process: importing MONAI takes seconds.

``python monai_lines.py LINES``, where LINES is a JSON list; it imports nothing of ours, so that ``python -I`` will do.
"""

from __future__ import annotations

import json
import logging
import runpy
import shlex
import sys
import warnings
from pathlib import Path

MARK = "=== line"
COMMAND = ["python", "-m", "monai.bundle"]


def run_line(line: str) -> None:
    """Run a command, or print what an expression of ``monai.bundle`` gives."""
    words = shlex.split(line)
    if words[:3] == COMMAND:
        sys.argv = words[2:]
        runpy.run_module("monai.bundle", run_name="__main__")
    else:
        import monai.bundle

        print(repr(eval(line, vars(monai.bundle).copy())))  # noqa: T201


def main() -> None:
    """Run all lines, with a mark before the output of each; the first that fails ends the process."""
    warnings.simplefilter("ignore")
    for line in json.loads(Path(sys.argv[1]).read_text()):
        print(f"{MARK} {line}")  # noqa: T201
        logging.getLogger().handlers.clear()
        run_line(line)


if __name__ == "__main__":
    main()
