"""The engines by name, and what whoever scores asks of one that is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from nodulus.pipeline.audit.export_manifest import ExportedEngine
from nodulus.transforms.problems import UsageError

EngineName = Literal["torch", "torchscript", "onnx", "openvino"]
EngineChoice = Literal["torch", "torchscript", "onnx", "openvino", "auto"]
TORCH: EngineName = "torch"
# As `auto` tries them: onnxruntime starts soonest; TorchScript needs torch, which is most of what is to be saved.
EXPORTED: tuple[ExportedEngine, ...] = ("onnx", "openvino", "torchscript")


class EngineError(UsageError):
    """An engine cannot run a bundle's network here; the message says why."""


class Model(Protocol):
    """A bundle's preprocessing, network and postprocessing, loaded.

    ``software`` is what computes: another version of it may give other last digits.
    """

    @property
    def engine(self) -> EngineName:
        """Return what runs the network."""

    @property
    def device(self) -> str:
        """Return where it runs."""

    @property
    def software(self) -> tuple[str, ...]:
        """Return the packages that compute, with their versions."""

    def score(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what the postprocessing leaves of some work items, in their order: ``pred``, ``logits``, ``readout``.

        Raises:
            InputRefusedError: a slice that a patch needs cannot be read.
        """
