"""The packager takes what `pipeline/deploy` holds, and goes on to Docker (`make test-deploy`)."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nodulus import __version__
from tests.support.deploy_sdk import need_sdk
from tests.support.pages import ROOT, blocks

PACKAGE = ROOT / "pipeline" / "deploy"
PINNED = ("monai-deploy-app-sdk", "torch")
# As much of the list of base images as the packager checks.
BASE_IMAGES = {
    "holoscan": {
        "wheel-version": "4.6.0",
        "debian-version": "4.6.0",
        "base-images": {"dgpu": "cuda"},
        "build-images": {"igpu": {}, "dgpu": {"x64-workstation": "holoscan"}, "cpu": {}},
    },
    "health-probes": {"linux/amd64": "https://localhost/probe"},
}


@pytest.mark.slow
def test_the_command_of_the_page_makes_the_manifests_and_asks_docker_next(tmp_path: Path) -> None:
    need_sdk()
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexit 1\n')
    docker.chmod(0o755)
    (tmp_path / "images.json").write_text(json.dumps({"4.6.0": BASE_IMAGES}))
    (block,) = [each for each in blocks(ROOT / "docs" / "how-to" / "monai-deploy.md") if "package" in each.text]
    program, *words = shlex.split(block.text)
    there = Path(sys.executable).with_name(Path(program).name)
    more = ["--source", str(tmp_path / "images.json"), "--build-cache", str(tmp_path / "cache")]
    environment = {**os.environ, "PATH": f"{docker.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(there), *words, *more]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "Generating app.json" in said
    assert "Generating pkg.json" in said
    assert (tmp_path / "asked").read_text().startswith("buildx"), said[-2000:]


def test_the_application_is_of_this_version() -> None:
    stated = yaml.safe_load((PACKAGE / "app.yaml").read_text())["application"]
    assert (stated["title"], stated["version"]) == ("nodulus", __version__)


def test_a_package_holds_the_versions_that_are_tested() -> None:
    lines = (PACKAGE / "requirements.txt").read_text().splitlines()
    required = [line for line in lines if line.startswith(PINNED)]
    tested = (ROOT / "pyproject.toml").read_text() + (ROOT / "constraints.txt").read_text()
    assert len(required) == len(PINNED)
    assert all(line in tested for line in required)
