"""Every command of the README runs, in the order in which a reader meets it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN = "<!-- not run"


def readme_blocks() -> Iterator[tuple[str, str]]:
    """Yield language and text of each code block that is not marked as not run, and not made by make itself."""
    text = (ROOT / "README.md").read_text()
    for block in BLOCK.finditer(text):
        is_marked = text[: block.start()].rstrip().splitlines()[-1].startswith(NOT_RUN)
        if not is_marked and "make test" not in block.group(2):
            yield block.group(1), block.group(2)


@pytest.mark.slow
def test_every_command_of_the_readme_runs(tmp_path: Path, tiny_crops: Path) -> None:
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    (tmp_path / "lidc_nodules").symlink_to(tiny_crops)
    write_demo_study(tmp_path / "out" / "demo", PhantomSpec())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for language, text in readme_blocks():
        interpreter = ["bash", "-euo", "pipefail", "-c"] if language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*interpreter, text],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert (tmp_path / "out" / "third" / "results.json").is_file()
    assert (tmp_path / "out" / "run" / "model.pt").is_file()
    assert (tmp_path / "out" / "evaluation" / "metrics.json").is_file()


def test_pip_lines_of_the_readme_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in re.findall(r"pip install (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert f"install {line}\n" in makefile
