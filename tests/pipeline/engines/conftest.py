"""A bundle with exports, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engines import bundle_with_exports, need


@pytest.fixture(scope="session")
def exported(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the bundle with exports for every engine."""
    for engine in ("onnx", "openvino", "torchscript"):
        need(engine)
    return bundle_with_exports(bundle, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="session")
def small_exported(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small bundle with exports, for tests that ask whether an export is taken, not what it says."""
    for engine in ("onnx", "openvino", "torchscript"):
        need(engine)
    return bundle_with_exports(small_bundle, tmp_path_factory.mktemp("small_exported"))
