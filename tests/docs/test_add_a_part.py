"""Each page that says how to add something is followed, step by step, on a copy of the code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, write_steps

PARTS = ("reader", "gate-rule", "nodule-source", "writer")


@pytest.mark.parametrize("part", PARTS)
def test_who_follows_the_page_has_added_a_part_that_works(part: str, tmp_path: Path) -> None:
    code = tmp_path / "nodulus"
    shutil.copytree(ROOT / "package", code)
    for half in ("transforms", "pipeline"):
        shutil.copytree(ROOT / half, code / half, ignore=shutil.ignore_patterns("__pycache__"))

    tests = write_steps(ROOT / "docs" / "how-to" / f"add-a-{part}.md", code)

    assert len(tests) == 1
    done = _run(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests[0])], tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_the_page_of_rules_tells_of_a_rule_that_was_added(tmp_path: Path) -> None:
    code = tmp_path / "nodulus"
    shutil.copytree(ROOT / "package", code)
    shutil.copytree(ROOT / "transforms", code / "transforms")
    write_steps(ROOT / "docs" / "how-to" / "add-a-gate-rule.md", code)
    assert "| the tube voltage (KVP) in every slice |" in _run(["-m", "nodulus.transforms.gate.page"], tmp_path).stdout


def _run(command: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join([str(copy), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": search}
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
