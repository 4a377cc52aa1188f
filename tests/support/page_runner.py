"""Does what a block of a page tells its reader to do, in this process where nothing else than Python is needed."""

from __future__ import annotations

import logging
import os
import re
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from unittest.mock import patch

from nodulus.pipeline.command.main import run
from tests.support.pages import Block

MONAI = ["python", "-m", "monai.bundle"]
# What only a shell understands: operators, patterns, the status of the last command.
_SHELL_ONLY = re.compile(r"[<>|&;*?`(){}\[\]]|\$\?")


def run_block(block: Block, folder: Path, **variables: str) -> None:
    """Run a block in a folder, with shell variables; fail where one of its commands does.

    In a shell every command starts Python and imports torch anew, which a page's text does not ask for.
    """
    lines = _plain_commands(block, variables)
    if block.language == "bash" and lines is None:
        _run_in_shell(block, folder, variables)
        return
    with _as_a_process_of_its_own(folder):
        if lines is None:
            exec(compile(block.text, "<page>", "exec"), {"__name__": "__main__"})
        for words in lines or []:
            assert _run_here(words) == 0, f"{shlex.join(words)} failed in\n{block.text}"


def _plain_commands(block: Block, variables: dict[str, str]) -> list[list[str]] | None:
    """Return the words of each command, where all are `nodulus` or MONAI's; None where the block needs a shell."""
    text = block.text.replace("\\\n", " ")
    if block.language != "bash" or _SHELL_ONLY.search(text):
        return None
    lines = [shlex.split(Template(line).substitute(variables), comments=True) for line in text.splitlines()]
    commands = [words for words in lines if words]
    return commands if all(words[0] == "nodulus" or words[:3] == MONAI for words in commands) else None


def _run_here(words: list[str]) -> int:
    if words[0] == "nodulus":
        return run(words[1:])
    with patch.object(sys, "argv", words[2:]):
        runpy.run_module("monai.bundle", run_name="__main__")
    return 0


def _run_in_shell(block: Block, folder: Path, variables: dict[str, str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", block.text]
    environment = {**os.environ, **variables, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@contextmanager
def _as_a_process_of_its_own(folder: Path) -> Iterator[None]:
    """Work in a folder; afterwards the folder, the loggers' handlers and the warnings are what they were."""
    before, root = Path.cwd(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a reader may see them; they stop nothing
            yield
    finally:
        os.chdir(before)
        root.handlers[:] = handlers
        root.setLevel(level)
