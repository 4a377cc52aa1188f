"""Trains the arms of a seed, each for the same number of epochs, and asks each about the hospital's test nodules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.federated.arms import AVERAGING, margins, rating_chances
from benchmarks.federated.stages import FIRST, InBfloat16, from_stage
from benchmarks.federated.views import ViewDataset, Views
from nodulus.pipeline.data.data_list import DataListItem, write_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights
from nodulus.pipeline.federated.site import Plan, Site
from nodulus.pipeline.files import replacing_file

from .hospital import Hospital, first_nodules, training_list

AS_IS = "as it is"


@dataclass(frozen=True)
class Way:
    """A way to come by a network for the hospital.

    Args:
        name: of it.
        is_tuned: whether it begins with the weights from elsewhere, or as the bundle's own training begins.
        is_frozen: whether only the last stages learn.
    """

    name: str
    is_tuned: bool
    is_frozen: bool = False


WAYS = (Way("fine-tuned", True), Way("last stages fine-tuned", True, True), Way("trained anew", False))


@dataclass(frozen=True)
class Setting:
    """What all arms share.

    Args:
        bundle: whose ``train.json`` is followed.
        views: of all nodules.
        epochs: of the first weights, and of the hospital's own training.
        tuning_rate: learning rate of what is fine-tuned; trained anew, the config's own.
        freeze_until: the first stage that learns where the others are frozen.
        is_bfloat16: whether training steps compute in bfloat16; scores never do.
    """

    bundle: Path
    views: Views
    epochs: tuple[int, int]
    tuning_rate: float
    freeze_until: str
    is_bfloat16: bool = False


def run_seed(
    found: Hospital, sizes: Sequence[int], seed: int, folder: Path, setting: Setting
) -> dict[str, list[float]]:
    """Return each arm's logit of malignant for every decided test nodule of the hospital, by the arm's name."""
    decided = [item.nodule_id for item in found.test if item.label is not None]
    start = ExchangedNetworks(str(setting.bundle), seed, all_learn(setting.bundle)).state_dict()
    first = _trained(found.elsewhere, start, seed, folder / "elsewhere", setting, setting.epochs[0], {})
    said = {AS_IS: margins(first, decided, setting.views, setting.bundle)}
    for n in sizes:
        for way in WAYS:
            begun, options = _beginning(way, first, start, setting)
            path = folder / f"{n}_{way.name.replace(' ', '_')}"
            items = first_nodules(found.own, n)
            weights = _trained(items, begun, seed, path, setting, setting.epochs[1], options)
            said[arm_name(way, n)] = margins(weights, decided, setting.views, setting.bundle)
    return said


def arm_name(way: Way, n: int) -> str:
    """Return what an arm is called."""
    return f"{way.name}, {n}"


def all_learn(bundle: Path) -> dict[str, Any]:
    """Return the values of ``train.json`` by which all stages of the stock network learn."""
    return from_stage(bundle, FIRST)


def last_stages(bundle: Path) -> str:
    """Return the last stage but one of the bundle's network that has weights: it and the head after it learn."""
    stages = ExchangedNetworks(str(bundle), overrides=all_learn(bundle)).network.named_children()
    return str([name for name, stage in stages if any(True for _ in stage.parameters())][-2])


def _beginning(way: Way, first: Weights, start: Weights, setting: Setting) -> tuple[Weights, dict[str, Any]]:
    if not way.is_tuned:
        return start, {}
    # The average of the first run is what a bundle ships, and what both networks begin with.
    averaged = {name.removeprefix("averaged."): value for name, value in first.items() if name.startswith("averaged.")}
    begun = {f"{part}.{name}": value for part in ("network", "averaged") for name, value in averaged.items()}
    frozen = {"freeze_until": setting.freeze_until} if way.is_frozen else {}
    return begun, {"learning_rate": setting.tuning_rate, **frozen}


def _trained(
    items: Sequence[DataListItem],
    weights: Mapping[str, torch.Tensor],
    seed: int,
    folder: Path,
    setting: Setting,
    epochs: int,
    options: Mapping[str, Any],
) -> Weights:
    """Return the weights after some epochs on nodules; of a run that is done already, as they were kept."""
    kept = folder / "weights.pt"
    if kept.is_file():
        return dict(torch.load(kept, weights_only=True))
    folder.mkdir(parents=True, exist_ok=True)
    data_list = folder.with_suffix(".json")  # the images' paths are relative to the seed's folder
    write_data_list(training_list(items), data_list)
    dataset = ViewDataset(data_list, setting.views, rating_chances(setting.bundle))
    # A site does not validate: what it would look at is not asked for.
    values = {"train::dataset": dataset, "validate::dataset": dataset, "averaging": AVERAGING, "seed": seed}
    values |= {**all_learn(setting.bundle), **options}
    if setting.is_bfloat16:
        values["train::inferer"] = InBfloat16()
    site = Site("hospital", setting.bundle, data_list, folder, Plan(1, epochs), **values)
    done = site.train(weights)
    with replacing_file(kept) as temporary:
        torch.save(done, temporary)
    return done
