"""A bundle's weights, loaded without running anything of theirs."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch

from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode

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
    zipfile.BadZipFile,
)
# And load_state_dict, on names, values or shapes that are not the network's.
STATE_DICT_ERRORS = (AttributeError, RuntimeError, TypeError)


def load_weights(network: torch.nn.Module, path: Path, held: bytes | None = None) -> None:
    """Load a network's weights from a plain state dict, or from one called ``model``, as some programs save it.

    Args:
        network: takes the weights.
        path: of their file.
        held: what is in the file, where it was read already.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file holds something else, or numbers that are not finite.
    """
    weights = read_weights(path, held)
    try:
        network.load_state_dict(weights)
    except STATE_DICT_ERRORS as error:
        raise _untrusted(f"{_expected(path)}, got names or shapes of another one") from error
    spoilt = next((name for name, values in network.state_dict().items() if not torch.isfinite(values).all()), None)
    if spoilt is not None:
        raise _untrusted(f"Expected finite weights in {path.name}, got NaN or infinity in {spoilt}")


def read_weights(path: Path, held: bytes | None = None) -> Mapping[str, torch.Tensor]:
    """Return the tensors of a plain state dict by name, or of one called ``model``, as some programs save it.

    Args:
        path: of the file.
        held: what is in the file, where it was read already.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file is damaged or holds something else.
    """
    try:
        weights = _read(path if held is None else BytesIO(held))
    except WEIGHT_FILE_ERRORS as error:
        raise _untrusted(f"{_expected(path)}, got a damaged file, or one of another kind") from error
    if not isinstance(weights, Mapping):
        raise _untrusted(f"{_expected(path)}, got one {type(weights).__name__}")
    inner = weights.get("model")
    return inner if isinstance(inner, Mapping) else weights


def is_damaged(path: Path) -> bool:
    """Return whether a file of weights is cut, changed after it was written, or none at all."""
    try:
        _read(path)
    except WEIGHT_FILE_ERRORS:
        return True
    return False


def _read(file: Path | BytesIO) -> object:
    """Return what a file of plain weights holds; raise one of ``WEIGHT_FILE_ERRORS`` where it is not whole.

    What torch writes is a zip, whose checksums torch itself does not compare: a flipped bit loads as another number.
    """
    weights = torch.load(file, map_location="cpu", weights_only=True)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as records:
            spoilt = records.testzip()
        if spoilt is not None:
            raise ValueError(f"Expected the checksum of {spoilt}, got another")
    return weights


def _expected(path: Path) -> str:
    return f"Expected the state dict of the bundle's network in {path.name}"


def _untrusted(message: str) -> InputRefusedError:
    return InputRefusedError(Problem(ProblemCode.UNTRUSTED_BUNDLE, message))
