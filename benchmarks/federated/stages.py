"""The network in two: first stages that are the same in all arms and are run once a patch, and those that train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from monai.inferers import SimpleInferer

from benchmarks.federated.views import Views
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.federated.exchange import STARTED, ExchangedNetworks
from nodulus.pipeline.files import replacing_file

# Nothing comes before it: a study from here on trains the whole network.
FIRST = "conv1"


class InBfloat16(SimpleInferer):  # type: ignore[misc]  # MONAI has no types
    """Computes in bfloat16, as the bundle trains on a GPU; MONAI's trainer has it for CUDA alone.

    Each call enters ``autocast`` anew: it keeps rounded copies of the weights until it is left, so that one around many
    steps would compute all of them with the weights of the first.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401 - as MONAI calls it
        """Return a network's outputs as float32."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found: torch.Tensor = super().__call__(*args, **kwargs)
        return found.float()


def later_stages(network: torch.nn.Module, first: str) -> torch.nn.Module:
    """Return the network from a stage on: what comes before is taken out, and what it would say is the input."""
    for name, _ in stages_before(network, first):
        setattr(network, name, torch.nn.Identity())
    return network


def from_stage(bundle: Path, first: str) -> dict[str, Any]:
    """Return the values of ``train.json`` that train from a stage on, by id.

    The network is the ``ResNet`` without the readout of the middle: that one does not train, and whatever trains the
    stages that it reads has none.
    """
    plain = {"network_def::_target_": "ResNet"}
    if first == FIRST:
        return plain | {"freeze_until": None}
    started = json.loads((bundle / TRAIN_CONFIG).read_text(encoding="utf-8"))[STARTED]
    later = {"_target_": f"{__name__}.{later_stages.__name__}", "network": started, "first": first}
    return plain | {STARTED: later, "train::inferer": {"_target_": f"{__name__}.{InBfloat16.__name__}"}}


def trained_share(bundle: Path, first: str) -> tuple[int, int]:
    """Return how many weights train from a stage on, and how many the network has."""
    later, whole = (ExchangedNetworks(str(bundle), overrides=of).network for of in (from_stage(bundle, first), {}))
    n_trained, n = (sum(each.numel() for each in network.parameters()) for network in (later, whole))
    return n_trained, n


def before_stage(views: Views, bundle: Path, first: str, path: Path) -> Views:
    """Return what the stages before one say of each view, as they start, half precision; kept in a file.

    Args:
        views: (n, x, y, z) by nodule.
        bundle: whose network starts as its ``train.json`` says.
        first: the stage.
        path: of the file.
    """
    if first == FIRST:
        return views
    if not path.is_file():
        network = ExchangedNetworks(str(bundle)).network.eval().to(memory_format=torch.channels_last_3d)
        stages = torch.nn.Sequential(*(stage for _, stage in stages_before(network, first)))
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            said = {name: stages(patches[:, None].float()).half().contiguous() for name, patches in views.items()}
        with replacing_file(path) as temporary:
            torch.save(said, temporary)
    return dict(torch.load(path, weights_only=True, mmap=True))


def stages_before(network: torch.nn.Module, first: str) -> list[tuple[str, torch.nn.Module]]:
    """Return the stages before one, by name.

    Raises:
        ValueError: the network has no such stage.
    """
    stages = list(network.named_children())
    names = [name for name, _ in stages]
    if first not in names:
        msg = f"Expected a stage of the network, of {', '.join(names)}, got {first}"
        raise ValueError(msg)
    return stages[: names.index(first)]
