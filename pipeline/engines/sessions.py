"""Exports, opened: each becomes a function from patches to raw outputs on the CPU."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.pipeline.versions import version_of

from .engine import EngineError

# (n, 1, x, y, z), windowed, to (n, outputs).
Session = Callable[[NDArray[np.float32]], NDArray[np.float32]]
PACKAGE_OF: Mapping[ExportedEngine, str] = {"torchscript": "torch", "onnx": "onnxruntime", "openvino": "openvino"}
_EXTRA_OF: Mapping[ExportedEngine, str] = {"torchscript": "", "onnx": "[onnx]", "openvino": "[openvino]"}
# What torch and OpenVINO raise of an export that they cannot load, and Python of an engine that it cannot.
_LOAD_ERRORS = (ImportError, OSError, RuntimeError, TypeError, ValueError)


def open_session(engine: ExportedEngine, contents: Sequence[bytes]) -> Session:
    """Return an export's network, ready to run.

    Args:
        engine: whose export it is.
        contents: of its files, in the order of ``EXPORT_FILES``.

    Raises:
        EngineError: the engine is not installed, or cannot load the export.
    """
    check_installed(engine)
    try:
        return _OPENERS[engine](contents)
    except _LOAD_ERRORS as error:
        raise EngineError(f"{PACKAGE_OF[engine]} cannot load the export: {_first_line(error)}") from error


def check_installed(engine: ExportedEngine) -> None:
    """Raise EngineError where an engine is not installed."""
    if engine_version(engine) is None:
        raise EngineError(f"{PACKAGE_OF[engine]} is not installed: pip install 'nodulus{_EXTRA_OF[engine]}'")


def engine_version(engine: ExportedEngine) -> str | None:
    """Return the version of the package that runs an engine's exports; None where it is not installed."""
    return version_of(PACKAGE_OF[engine])


def _torchscript(contents: Sequence[bytes]) -> Session:
    import torch

    network = torch.jit.load(io.BytesIO(contents[0]), map_location="cpu").eval()

    def run(patches: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(patches)).numpy())

    return run


def _onnx(contents: Sequence[bytes]) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: it warns of machines on which it finds no GPU
    # Its threads would keep the processor busy while the next patch is cut.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(contents[0], options, providers=["CPUExecutionProvider"])
    except _onnxruntime_errors() as error:
        raise ValueError(str(error)) from error
    (asked,), (given,) = session.get_inputs(), session.get_outputs()
    return lambda patches: np.asarray(session.run([given.name], {asked.name: patches})[0])


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """Return the errors of onnxruntime, which have no base but Python's own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    found = (getattr(state, name) for name in dir(state))
    return tuple(one for one in found if isinstance(one, type) and issubclass(one, Exception))


def _openvino(contents: Sequence[bytes]) -> Session:
    openvino = import_openvino()
    core = openvino.Core()
    network, numbers = contents
    model = core.read_model(network, openvino.Tensor(np.frombuffer(numbers, dtype=np.uint8)))
    # On some CPUs it would compute in bfloat16 unasked.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    return lambda patches: np.array(compiled(patches)[0])


_OPENERS: Mapping[ExportedEngine, Callable[[Sequence[bytes]], Session]] = {
    "torchscript": _torchscript,
    "onnx": _onnx,
    "openvino": _openvino,
}


def import_openvino() -> Any:  # noqa: ANN401 - it comes untyped
    """Return OpenVINO, imported without the package by which it would tell its maker of that."""
    with _without("openvino_telemetry"):
        import openvino
    return openvino


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Let a package be missing, as far as imports go, unless it is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # Python's own sign of what cannot be imported
    try:
        yield
    finally:
        del sys.modules[package]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
