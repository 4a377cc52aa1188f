"""A bundle whose config MONAI reads and torch runs: all that a config may say is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from nodulus.pipeline.bundle.device import Device, find_device
from nodulus.pipeline.bundle.folder import WEIGHTS
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.bundle.workflow import make_parser
from nodulus.transforms.problems import ProblemCode, refusal_in

from .engine import TORCH, EngineName


class TorchModel:
    """The preprocessing, network and postprocessing of a bundle's inference config; a ``Model``.

    Args:
        bundle: its folder.
        config: the content of its inference config.
        device: where the network runs.
        allow: problem codes that the series gate may admit.

    Raises:
        UsageError: the device is not there.
        InputRefusedError: ``untrusted_bundle``, when the weights are not the network's plain state dict.
    """

    engine: EngineName = TORCH

    def __init__(self, bundle: Path, config: Mapping[str, Any], device: Device, allow: Collection[ProblemCode]) -> None:
        place = find_device(device)
        parser = make_parser(config, bundle_root=str(bundle), device=place, allow=list(allow))
        self.preprocessing = parser.get_parsed_content("preprocessing")
        self._postprocessing = parser.get_parsed_content("postprocessing")
        self._inferer = parser.get_parsed_content("inferer")
        self.network: torch.nn.Module = parser.get_parsed_content("network").eval()
        load_weights(self.network, bundle / WEIGHTS)
        self.device = str(place)

    @property
    def software(self) -> tuple[str, ...]:
        """Return the version of torch."""
        return (f"torch {torch.__version__}",)

    def patches(self, items: Sequence[Mapping[str, Any]]) -> torch.Tensor:
        """Return what the network sees of some work items: (n, 1, x, y, z), windowed."""
        return _stack(self._prepare(items))

    def score(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what the postprocessing leaves of some work items, in their order."""
        prepared = self._prepare(items)
        with torch.no_grad():
            outputs = self._inferer(_stack(prepared).to(self.device), self.network)
        return [self._postprocessing({**item, "pred": output}) for item, output in zip(prepared, outputs, strict=True)]

    def _prepare(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        with _one_thread(), _refusals_as_they_are():
            return [self.preprocessing(dict(item)) for item in items]


def _stack(prepared: Sequence[Mapping[str, Any]]) -> torch.Tensor:
    # As plain tensors: a MetaTensor takes a third of the forward pass to carry its metadata from layer to layer.
    return torch.stack([torch.as_tensor(item["image"]).as_subclass(torch.Tensor) for item in prepared])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: for a patch's voxels two threads wait for each other longer than they work."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def _refusals_as_they_are() -> Iterator[None]:
    """Raise what refuses the input by itself, out of the error that MONAI wraps it in."""
    refusal = None
    try:
        yield
    except RuntimeError as error:
        refusal = refusal_in(error)
        if refusal is None:
            raise
    if refusal is not None:
        raise refusal
