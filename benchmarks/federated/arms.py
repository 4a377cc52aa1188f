"""The ways to train that are compared: alone, averaged, held back, pooled, and without one maker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.federated.makers import MAKERS, pooled, write_lists
from benchmarks.federated.views import ViewDataset, Views
from nodulus.pipeline.data.data_list import DataList
from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights
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


def train_arm(
    arm: Arm, lists: dict[str, DataList], views: Views, bundle: Path, folder: Path, rounds: int, seed: int
) -> Path:
    """Train an arm unless it is trained; return the file of its weights.

    Args:
        arm: which.
        lists: each maker's.
        views: of all nodules.
        bundle: whose ``train.json`` is followed.
        folder: of the arm; its sites write beside the weights.
        rounds: of one epoch each.
        seed: of the first weights, shuffling and views.
    """
    path = folder / "weights.pt"
    if path.is_file():
        return path
    plan = Plan(rounds, proximal=arm.proximal)
    sites = []
    for makers in arm.sites:
        name = "_".join(makers)
        (data_list,) = write_lists({name: pooled([lists[maker] for maker in makers])}, folder.parent).values()
        dataset = ViewDataset(data_list, views, rating_chances(bundle))
        values = {"train::dataset": dataset, "validate::dataset::num_workers": 0, "averaging": AVERAGING, "seed": seed}
        sites.append(Site(name, bundle, data_list, folder / name, plan, **values))
    weights = federate(sites, ExchangedNetworks(str(bundle), seed).state_dict(), rounds)
    with replacing_file(path) as temporary:
        torch.save(weights, temporary)
    return path


def margins(weights: Weights, nodules: list[str], views: Views, bundle: Path) -> list[float]:
    """Return the averaged network's logit of malignant against benign for nodules, by their plain patches."""
    networks = ExchangedNetworks(str(bundle))
    networks.load_state_dict(weights)
    network = networks.averaged.eval()
    found: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(nodules), 32):
            batch = torch.stack([views[name][:1].float() for name in nodules[start : start + 32]])
            logits = network(batch)
            found += (logits[:, 1] - logits[:, 0]).tolist()
    return found


def rating_chances(bundle: Path) -> list[float]:
    """Return the chance of malignancy that each rating stands for, as a bundle trains."""
    content = json.loads((bundle / "configs" / "train.json").read_text(encoding="utf-8"))
    return [float(chance) for chance in content["rating_chances"]]
