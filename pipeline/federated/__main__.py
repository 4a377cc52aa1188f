"""Runs a federation in NVFlare's simulator: python -m nodulus.pipeline.federated --site NAME=LIST ... -o OUT."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nodulus.pipeline.bundle.folder import TRAIN_CONFIG, find_bundle
from nodulus.pipeline.federated.simulation import simulate
from nodulus.pipeline.federated.site import Plan
from nodulus.transforms.problems import InputRefusedError, UsageError


def main(arguments: list[str] | None = None) -> int:
    """Read the options, run, and say where the weights are."""
    parser = argparse.ArgumentParser(prog="python -m nodulus.pipeline.federated", description=__doc__)
    parser.add_argument("--site", action="append", required=True, metavar="NAME=LIST", help="a site's data list")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--local-epochs", type=int, default=1, help="between two averages")
    parser.add_argument("--proximal", type=float, default=0.0, help="FedProx's mu; 0 is FedAvg")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    plan = Plan(options.rounds, options.local_epochs, options.proximal)
    try:
        sites = dict(_site(text) for text in options.site)
        bundle = find_bundle(options.bundle, needs=(TRAIN_CONFIG,))
        weights = simulate(sites, options.output, bundle, plan, options.seed)
    except UsageError as error:
        parser.error(str(error))
    except InputRefusedError as error:
        sys.stderr.write(f"nodulus: {error}\n")
        return 3
    sys.stdout.write(f"{weights}\n")
    return 0


def _site(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not (name and path and Path(path).is_file()):
        raise UsageError(f"Expected a site as NAME=LIST, a data list that is there, got {text}")
    return name, Path(path)


if __name__ == "__main__":
    sys.exit(main())
