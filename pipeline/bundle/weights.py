"""A bundle's weights, and the device that they go to."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch

from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError

# What torch.load raises on files that are cut, damaged or of another kind, or hold more than plain weights.
WEIGHT_FILE_ERRORS = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
# And load_state_dict, on names, values or shapes that are not the network's.
STATE_DICT_ERRORS = (AttributeError, RuntimeError, TypeError)

Device = Literal["auto", "cpu", "cuda", "mps"]


def find_device(name: Device) -> torch.device:
    """Return a device of this machine; "auto" takes CUDA where there is one.

    Raises:
        UsageError: when it is not there.
    """
    is_there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if is_there["cuda"] else "cpu")
    if not is_there.get(name, False):
        here = ", ".join(device for device, found in is_there.items() if found)
        msg = f"Expected a device of this machine ({here}), got '{name}'"
        raise UsageError(msg)
    return torch.device(name)


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Load a network's weights from a plain state dict.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file holds something else, or numbers that are not finite.
    """
    expected = f"Expected the state dict of the bundle's network in {path.name}"
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except WEIGHT_FILE_ERRORS as error:
        raise _untrusted(f"{expected}, got a file that torch does not read as plain weights") from error
    if not isinstance(weights, Mapping):
        raise _untrusted(f"{expected}, got one {type(weights).__name__}")
    try:
        network.load_state_dict(weights)
    except STATE_DICT_ERRORS as error:
        raise _untrusted(f"{expected}, got names or shapes of another one") from error
    spoilt = next((name for name, values in network.state_dict().items() if not torch.isfinite(values).all()), None)
    if spoilt is not None:
        raise _untrusted(f"Expected finite weights in {path.name}, got NaN or infinity in {spoilt}")


def _untrusted(message: str) -> InputRefusedError:
    return InputRefusedError(Problem(ProblemCode.UNTRUSTED_BUNDLE, message))
