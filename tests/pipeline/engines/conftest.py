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
