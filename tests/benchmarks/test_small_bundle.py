"""A network that costs little is one that a bundle may have."""

from __future__ import annotations

from pathlib import Path

from benchmarks.places import BUNDLE
from benchmarks.small_bundle import write_small_bundle
from nodulus.pipeline.bundle.identity import identify


def test_the_small_network_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = (identify(write_small_bundle(tmp_path / name)) for name in ("one", "other"))
    assert one.weights_sha256 == other.weights_sha256
    assert one.operating_points == other.operating_points
    assert one.weights_sha256 != identify(BUNDLE).weights_sha256
