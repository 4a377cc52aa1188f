"""Where tests find real scans, and a phantom study for those that need none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nodulus.pipeline.demo_study import DemoStudy, write_demo_study
from nodulus.pipeline.phantom import PhantomSpec

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real scans: NODULUS_DATA, else ../shared/data beside the checkout; skip without it."""
    folder = Path(os.environ.get("NODULUS_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        reason = f"no real scans: set NODULUS_DATA to their folder (looked at {folder})"
        if os.environ.get("NODULUS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Return the bundle of the checkout."""
    return ROOT / "bundles" / "lung_nodule_ct_classification"


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> DemoStudy:
    """Return a phantom study with slices of 3 mm, which the gate takes, and few columns, so that it is made fast."""
    spec = PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0))
    return write_demo_study(tmp_path_factory.mktemp("study"), spec)
