"""The files of an export: TorchScript, ONNX, OpenVINO, each made of a network in memory."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import torch

from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.pipeline.versions import version_of
from nodulus.transforms.problems import UsageError

from .sessions import import_openvino

_MOST_AT_ONCE = 2**16
_MAKERS: Mapping[ExportedEngine, tuple[str, ...]] = {
    "torchscript": ("torch",),
    "onnx": ("torch", "onnx", "onnxscript"),
    "openvino": ("torch", "onnx", "onnxscript", "openvino"),
}


def made_with(engine: ExportedEngine) -> tuple[str, ...]:
    """Return the packages that make an export, with their versions."""
    return tuple(f"{name} {version_of(name)}" for name in _MAKERS[engine])


class NetworkExports:
    """Makes the files of exports of one network.

    Args:
        network: in evaluation mode, on the CPU.
        example: patches that it takes, two or more, so that no size is mistaken for a batch of one.
        inside: files that TorchScript carries, in which MONAI's loader looks for the configs.
    """

    def __init__(self, network: torch.nn.Module, example: torch.Tensor, inside: Mapping[str, bytes]) -> None:
        self.network, self.example, self.inside = network, example, inside

    def files(self, engine: ExportedEngine) -> tuple[bytes, ...]:
        """Return the files of an engine's export, in the order of ``EXPORT_FILES``.

        Raises:
            UsageError: what makes them is not installed.
        """
        if missing := [name for name in _MAKERS[engine] if find_spec(name) is None]:
            raise UsageError(f"Expected {' and '.join(missing)} to make exports: pip install 'nodulus[{engine}]'")
        return {"torchscript": self._torchscript, "onnx": self._in_onnx, "openvino": self._openvino}[engine]()

    def _torchscript(self) -> tuple[bytes, ...]:
        """Return TorchScript with its weights folded in."""
        content = io.BytesIO()
        with _silence():  # torch deprecates it, and programs that load MONAI bundles read nothing else
            frozen = torch.jit.freeze(torch.jit.trace(self.network, self.example))
            torch.jit.save(frozen, content, _extra_files=dict(self.inside))
        return (_without_places(content),)

    def _in_onnx(self) -> tuple[bytes, ...]:
        return (self._onnx,)

    @cached_property
    def _onnx(self) -> bytes:
        """ONNX in one file, with a batch of any size."""
        with _silence():
            program = torch.onnx.export(
                self.network,
                (self.example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=_MOST_AT_ONCE)},),
                input_names=["image"],
                output_names=["outputs"],
                external_data=False,
                verbose=False,
            )
        if program is None:
            raise UsageError("Expected an ONNX program of torch, got none")
        model: Any = program.model_proto
        graph = model.graph
        # They tell where on this machine each line of the network's code lies.
        for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
            del part.metadata_props[:]
        return bytes(model.SerializeToString())

    def _openvino(self) -> tuple[bytes, ...]:
        """Return OpenVINO's network and its numbers, in full precision."""
        openvino = import_openvino()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.xml"
            openvino.save_model(openvino.Core().read_model(self._onnx), path, compress_to_fp16=False)
            return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def _without_places(archive: IO[bytes]) -> bytes:
    """Return TorchScript without what tells where on this machine each line of the network's code lies."""
    content = io.BytesIO()
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as kept:
        for member in whole.infolist():
            if not member.filename.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(member.filename), whole.read(member))
    return content.getvalue()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what torch says of its own exporters from the user: warnings, logged lines, and what it prints."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
