"""The ways to train that are compared: alone, averaged, held back, pooled, and without one maker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.federated.makers import MAKERS, pooled, write_lists
from benchmarks.federated.stages import FIRST, from_stage
from benchmarks.federated.views import KeptViews, ViewDataset, Views
from nodulus.pipeline.data.data_list import DataList
from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights
from nodulus.pipeline.federated.simulation import check_moved
from nodulus.pipeline.federated.site import Plan, Site, federate
from nodulus.pipeline.files import replacing_file

# The bundle's own average remembers 50 batches, more than the smallest hospital trains in half a study.
AVERAGING = 0.1
PROXIMAL = 0.01


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Args:
        name: of it.
        sites: the makers that each site holds.
        proximal: FedProx's mu.
    """

    name: str
    sites: tuple[tuple[str, ...], ...]
    proximal: float = 0.0


_EACH = tuple((name,) for name in MAKERS)
ARMS = (
    Arm("fedavg", _EACH),
    Arm("pooled", (tuple(MAKERS),)),
    *(Arm(f"local_{name}", ((name,),)) for name in MAKERS),
    Arm("fedprox", _EACH, PROXIMAL),
    *(Arm(f"without_{name}", (tuple(other for other in MAKERS if other != name),)) for name in MAKERS),
)


@dataclass(frozen=True)
class Study:
    """What all arms share.

    Args:
        bundle: whose ``train.json`` is followed.
        views: of all nodules, or what the stages that do not train say of them.
        rounds: of one epoch each.
        first: the first stage that trains.
    """

    bundle: Path
    views: Views
    rounds: int
    first: str = FIRST


def train_arm(arm: Arm, lists: dict[str, DataList], study: Study, folder: Path, seed: int) -> Path:
    """Train an arm unless it is trained; return the file of its weights.

    Args:
        arm: which.
        lists: each maker's.
        study: what all arms share.
        folder: of the arm; its sites write beside the weights.
        seed: of the first weights, shuffling and views.

    Raises:
        RuntimeError: a weight is where it began.
    """
    path = folder / "weights.pt"
    if path.is_file():
        return path
    bundle, plan, later = study.bundle, Plan(study.rounds, proximal=arm.proximal), from_stage(study.bundle, study.first)
    sites = []
    for makers in arm.sites:
        name = "_".join(makers)
        (data_list,) = write_lists({name: pooled([lists[maker] for maker in makers])}, folder.parent).values()
        dataset = ViewDataset(data_list, study.views, rating_chances(bundle), flips=study.first == FIRST)
        # A site does not validate: what it would look at is not asked for.
        values = {"train::dataset": dataset, "validate::dataset": dataset, "averaging": AVERAGING, "seed": seed}
        sites.append(Site(name, bundle, data_list, folder / name, plan, **values, **later))
    begun = ExchangedNetworks(str(bundle), seed, later).state_dict()
    weights = federate(sites, begun, study.rounds)
    check_moved(begun, weights)
    with replacing_file(path) as temporary:
        torch.save(weights, temporary)
    return path


def margins(
    weights: Weights, nodules: Sequence[str], views: KeptViews, bundle: Path, first: str = FIRST
) -> list[float]:
    """Return the averaged network's logit of malignant against benign for nodules, by their plain patches."""
    networks = ExchangedNetworks(str(bundle), overrides=from_stage(bundle, first))
    networks.load_state_dict(weights)
    network = networks.averaged.eval()
    found: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(nodules), 32):
            plain = torch.stack([views[name][0].float() for name in nodules[start : start + 32]])
            batch = plain if plain.ndim > 4 else plain[:, None]
            logits = network(batch)
            found += (logits[:, 1] - logits[:, 0]).tolist()
    return found


def rating_chances(bundle: Path) -> list[float]:
    """Return the chance of malignancy that each rating stands for, as a bundle trains."""
    content = json.loads((bundle / "configs" / "train.json").read_text(encoding="utf-8"))
    return [float(chance) for chance in content["rating_chances"]]
