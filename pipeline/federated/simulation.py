"""A federation on one machine, in NVFlare's simulator: the job that real sites would run, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nodulus.pipeline.files import check_output_dir, replacing_file, write_text
from nodulus.transforms.problems import UsageError

from .exchange import ExchangedNetworks, Weights, part_of
from .site import Plan

WEIGHTS, GLOBAL, SETTINGS, WORKSPACE = "model.pt", "global.pt", "settings.json", "nvflare"
KEY_METRIC = "val_auc"


def simulate(
    data_lists: Mapping[str, Path],
    output_dir: Path,
    bundle: Path,
    plan: Plan,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
) -> Path:
    """Run NVFlare's FedAvg over sites and return the path of the averaged network's weights.

    Args:
        data_lists: each site's own, by the site's name.
        output_dir: receives ``model.pt`` (the moving average, as the bundle ships it), ``global.pt`` (what a further
            round would begin with), a folder a site and NVFlare's workspace.
        bundle: whose ``train.json`` says how the sites train.
        plan: of the federation.
        seed: of the first weights.
        overrides: values of ``train.json`` to replace, by id.

    Raises:
        UsageError: there are fewer than two sites, or the folder cannot be written.
        RuntimeError: NVFlare came to an end without weights, or with those that it began with.
    """
    if len(data_lists) < 2:
        raise UsageError(f"Expected at least two sites, got {', '.join(data_lists) or 'none'}")
    output_dir, bundle = Path(output_dir).resolve(), Path(bundle).resolve()
    check_output_dir(output_dir)
    values = {"seed": seed} | dict(overrides or {})
    settings = {
        "bundle": str(bundle),
        "data_lists": {name: str(Path(path).resolve()) for name, path in data_lists.items()},
        "output_dir": str(output_dir),
        "plan": asdict(plan),
        "overrides": values,
    }
    write_text(output_dir / SETTINGS, json.dumps(settings, indent=1) + "\n")
    arguments: dict[str, Any] = {"bundle": str(bundle), "seed": seed, "overrides": values}
    networks = ExchangedNetworks(**arguments)
    first = {name: value.clone() for name, value in networks.state_dict().items()}
    weights = _run(arguments, plan, list(data_lists), output_dir)
    check_moved(first, weights, networks.stages_that_stay())
    _save(weights, output_dir / GLOBAL)
    _save(part_of(weights, "averaged", networks.averaged.state_dict()), output_dir / WEIGHTS)
    return output_dir / WEIGHTS


def check_moved(
    first: Mapping[str, torch.Tensor], last: Mapping[str, torch.Tensor], stay: Collection[str] = ()
) -> None:
    """Raise unless every tensor of weights that learns differs from what the federation began with.

    NVFlare leaves out what it cannot average, with a line in its log, and ends with exit code 0.

    Args:
        first: what it began with, both networks' as ``ExchangedNetworks`` names them.
        last: what came of it.
        stay: stages whose weights need only be there.

    Raises:
        RuntimeError: one is missing, or did not move.
    """

    def is_still(name: str) -> bool:
        if name not in last:
            return True
        return name.split(".")[1] not in stay and torch.equal(last[name].to(first[name].dtype), first[name])

    still = [name for name in first if name.endswith("weight") and is_still(name)]
    if still:
        msg = f"Expected the sites' training to move all weights, got {len(still)} as they were, {still[0]} for one"
        raise RuntimeError(msg)


def _run(arguments: Mapping[str, Any], plan: Plan, sites: list[str], output_dir: Path) -> Weights:
    # Loaded late: it is an extra, and takes seconds.
    from nvflare.app_opt.pt.recipes.fedavg import FedAvgRecipe
    from nvflare.recipe import SimEnv

    recipe = FedAvgRecipe(
        name="nodulus",
        # By its name: NVFlare would send our source along, and each site has nodulus installed.
        model={"class_path": f"{ExchangedNetworks.__module__}.{ExchangedNetworks.__name__}", "args": dict(arguments)},
        min_clients=len(sites),
        num_rounds=plan.rounds,
        train_script=str(Path(__file__).with_name("client.py")),
        train_args=f"--settings {output_dir / SETTINGS}",
        key_metric=KEY_METRIC,
    )
    run = recipe.execute(SimEnv(clients=sites, workspace_root=str(output_dir / WORKSPACE)))
    found = sorted(Path(run.get_result()).rglob("FL_global_model.pt"))
    if not found:
        msg = f"Expected NVFlare to leave a global model, found none in {output_dir / WORKSPACE}: see its log there"
        raise RuntimeError(msg)
    return dict(torch.load(found[0], map_location="cpu", weights_only=True)["model"])


def _save(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    with replacing_file(path) as temporary:
        torch.save(dict(weights), temporary)
