"""What `--ray` is told is looked at before anything is scored, whether Ray is installed or not."""

from __future__ import annotations

import importlib.util

import pytest

from nodulus.pipeline.scoring import ray_cluster
from nodulus.transforms.problems import UsageError


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: importlib.util.find_spec("json"))


def test_without_ray_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"^Expected Ray .* pip install 'nodulus\[ray\]'$"):
        ray_cluster.check_address("local")


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("address", ["local", "auto", "10.0.0.1:6379", "head.cluster:6379", "[::1]:6379"])
def test_addresses(address: str) -> None:
    ray_cluster.check_address(address)


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("address", ["", "here", "host:", ":6379", "host:port", "ray://host:10001", "http://host:8265"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match=r"^Expected --ray local, auto or HOST:PORT, got '"):
        ray_cluster.check_address(address)
