"""Whether MONAI Deploy's SDK is here, which has an environment of its own."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

WHY = "MONAI Deploy's SDK is an extra in an environment of its own: make test-deploy"


def need_sdk() -> None:
    """Skip the test or the module where the SDK is not installed; fail where NODULUS_REQUIRE_DEPLOY=1 asks for it."""
    if find_spec("holoscan") is not None and find_spec("holoscan_cli") is not None:
        return
    if os.environ.get("NODULUS_REQUIRE_DEPLOY") == "1":
        pytest.fail(WHY, pytrace=False)
    pytest.skip(WHY, allow_module_level=True)
