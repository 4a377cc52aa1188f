"""A site's side of an NVFlare job: receive weights, validate and train with them, send them back, until it is over."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import nvflare.client as flare
import torch
from nvflare.apis.fl_constant import FLMetaKey

from nodulus.pipeline.federated.exchange import Weights
from nodulus.pipeline.federated.site import Plan, Site

KEY_METRIC = "val_auc"


def main() -> None:
    """Take part under the name that NVFlare gives this site; its list is that of the name."""
    options = _options()
    flare.init()
    name = flare.get_site_name()
    values = json.loads(options.settings.read_text(encoding="utf-8"))
    lists, overrides = values["data_lists"], values["overrides"]
    plan = Plan(**values["plan"])
    site = Site(name, Path(values["bundle"]), Path(lists[name]), Path(values["output_dir"]) / name, plan, **overrides)
    while flare.is_running():
        received = flare.receive()
        if received is None:
            break
        weights = _as_tensors(received.params)
        metrics = site.evaluate(weights)
        flare.send(
            flare.FLModel(
                params=site.train(weights),
                metrics={KEY_METRIC: float(metrics[KEY_METRIC])},
                meta={FLMetaKey.NUM_STEPS_CURRENT_ROUND: site.n_nodules},  # what the mean weighs a site by
            )
        )


def _as_tensors(params: Mapping[str, object]) -> Weights:
    return {name: torch.as_tensor(value) for name, value in params.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="JSON that the job wrote")
    return parser.parse_args()


if __name__ == "__main__":
    main()
