"""Does NVFlare's FedAvg over two sites give what ours gives, and weights that the bundle takes? (`make test-fl`)"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nodulus.pipeline.bundle.folder import BUNDLE_NAME
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.federated.exchange import ExchangedNetworks
from nodulus.pipeline.federated.simulation import simulate
from nodulus.pipeline.federated.site import Plan, Site, federate
from tests.support.pages import ROOT, blocks
from tests.support.tiny_training import TINY

pytest.importorskip("nvflare", reason="NVFlare is an extra: make test-fl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # NVFlare's own, and those of what it brings
]


def test_nvflare_averages_as_we_do(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    plan = Plan(rounds=1)
    weights = simulate(lists, tmp_path / "out", bundle, plan, overrides=TINY)
    there = torch.load(tmp_path / "out" / "global.pt", weights_only=True)
    networks = ExchangedNetworks(str(bundle), 0, TINY)
    first = dict(networks.state_dict())
    sites = [Site(name, bundle, path, tmp_path / name, plan, **TINY) for name, path in lists.items()]
    here = federate(sites, first, plan.rounds)
    assert there.keys() == here.keys()
    for name, value in here.items():
        if value.is_floating_point():
            torch.testing.assert_close(there[name].to(value.dtype), value, rtol=1e-5, atol=1e-6)
    assert not torch.equal(there["averaged.fc.weight"], first["averaged.fc.weight"])
    load_weights(networks.averaged, weights)


def test_the_command_of_the_page_runs(lists: dict[str, Path], tmp_path: Path) -> None:
    (page,) = (ROOT / "docs" / "how-to").glob("federated.md")
    (block,) = [block for block in blocks(page) if "nodulus.pipeline.federated" in block.text]
    for name, path in zip(("ge", "siemens"), lists.values(), strict=True):
        shutil.copy(path, path.with_name(f"{name}.json"))
    words = shlex.split(block.text.replace("--rounds 20", "--rounds 1"))
    command = [sys.executable, *words[1:], "--bundle", str(ROOT / "bundles" / BUNDLE_NAME)]
    folder = next(iter(lists.values())).parent
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == str(folder / "out" / "federated" / "model.pt")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nodulus.pipeline.federated", "--site", "a=nowhere.json", "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Expected a site as NAME=LIST, a data list that is there, got a=nowhere.json" in done.stderr
