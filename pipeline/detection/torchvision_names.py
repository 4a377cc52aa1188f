"""The two names of torchvision that MONAI's detection needs, where torchvision cannot be imported.

It is not required: its wheels belong to one build of torch each, and on a CPU the package index's own does not load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace

import torch
from monai.apps.detection.networks import retinanet_network
from monai.networks.blocks import backbone_fpn_utils
from torch import nn


class LayerOutputs(nn.ModuleDict):
    """A network up to the last of some layers, which returns what each of these gives, by its new name.

    The layers keep their names, so that weights saved with torchvision's ``IntermediateLayerGetter`` fit.

    Args:
        model: its children are called one after the other.
        return_layers: which of them are asked for, and the name that each output gets.
    """

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        names = [name for name, _ in model.named_children()]
        if not set(return_layers) <= set(names):
            raise ValueError(f"Expected layers of the network ({', '.join(names)}), got {', '.join(return_layers)}")
        last = max(names.index(name) for name in return_layers)
        super().__init__(dict(list(model.named_children())[: last + 1]))
        self.return_layers = dict(return_layers)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the asked layers' outputs in their order."""
        outputs = {}
        for name, layer in self.items():
            image = layer(image)
            if name in self.return_layers:
                outputs[self.return_layers[name]] = image
        return outputs


def trainable_layers(
    is_trained: bool, trainable_backbone_layers: int | None, max_value: int, default_value: int
) -> int:
    """Return how many layers of the backbone learn; all of them where none was trained before."""
    if not is_trained:
        return max_value
    return default_value if trainable_backbone_layers is None else trainable_backbone_layers


@contextmanager
def torchvision_or_stand_in() -> Iterator[None]:
    """Let MONAI build a RetinaNet, with torchvision where it can be imported, else with the two names above."""
    if _is_torchvision_there():
        yield
        return
    models = SimpleNamespace(_utils=SimpleNamespace(IntermediateLayerGetter=LayerOutputs))
    stand_ins = (
        (backbone_fpn_utils, "torchvision_models", models),
        (retinanet_network, "_validate_trainable_layers", trainable_layers),
    )
    before = [getattr(module, name) for module, name, _ in stand_ins]
    for module, name, value in stand_ins:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(stand_ins, before, strict=True):
            setattr(module, name, value)


def _is_torchvision_there() -> bool:
    try:
        import_module("torchvision.models.detection.backbone_utils")
    except Exception:  # one for another build of torch raises RuntimeError
        return False
    return True
