"""Measures the engines and prints ratios: the network, a nodule, and the whole command for one scan and for fifty.

python -m benchmarks.engines
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.places import BUNDLE
from nodulus.pipeline.audit.gate import read_trusted
from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.engine import EXPORTED, TORCH, EngineName
from nodulus.pipeline.engines.export import export_network
from nodulus.pipeline.engines.sessions import engine_version
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study

from .network import network_seconds
from .nodule import nodule_seconds
from .page import Measured, write_page
from .processes import N_SCANS, cpu_seconds, whole_over_scoring, write_cases


def main() -> None:
    """Export, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3, help="of whole processes; 0 leaves them out")
    parser.add_argument("--scan", type=Path, help="a scan with --nodule X,Y,Z,DIAMETER; else a phantom's")
    parser.add_argument("--nodule", help="LPS mm")
    parser.add_argument("--threads", type=int, help="that torch may take; as many as there are cores")
    parser.add_argument("--page", action="store_true", help="write docs/records/engines.md, too")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments, Path(folder))
    if arguments.page and found is not None:
        write_page(found)


def measure(arguments: argparse.Namespace, here: Path) -> Measured | None:
    """Export, measure, print; return nothing where whole processes are left out."""
    bundle = shutil.copytree(BUNDLE, here / BUNDLE.name)
    engines = [engine for engine in EXPORTED if engine_version(engine) is not None]
    export_network(bundle, read_trusted(bundle, INFERENCE_CONFIG), engines, items_of_phantom()[:4])
    network: dict[int, dict[str, float]] = {}
    for batch_size in (1, 8):
        network[batch_size] = network_seconds(bundle, batch_size, arguments.blocks, 30)
        _print(f"network, {batch_size} patch(es) at once, s", network[batch_size])
    every: list[EngineName] = [TORCH, *engines]
    scan, nodule = _scan(arguments.scan, arguments.nodule, here)
    of_nodule = nodule_seconds(bundle, scan, nodule, every, arguments.blocks, 10)
    _print("one nodule of a warm scan, s", of_nodule)
    if not arguments.rounds:
        return None
    processes = _processes(bundle, scan, nodule, every, arguments.rounds)
    return Measured(torch.get_num_threads(), network, of_nodule, *processes)


def _scan(scan: Path | None, nodule: str | None, folder: Path) -> tuple[Path, Nodule]:
    if scan is None or nodule is None:
        study = write_demo_study(folder, PhantomSpec())
        return study.dicom_folder, study.marked.nodules[0]
    x, y, z, diameter_mm = map(float, nodule.split(","))
    return scan, Nodule("1", (x, y, z), diameter_mm)


def _processes(
    bundle: Path, scan: Path, nodule: Nodule, engines: Sequence[EngineName], rounds: int
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return the seconds of one scan and of fifty by engine, and of fifty the whole over opening and scoring."""
    place = ",".join(map(str, nodule.center_lps_mm))
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        one = [str(scan), f"--point={place}", "--diameter", str(nodule.diameter_mm)]
        many = [str(write_cases(scan, nodule, here))]
        by = {engine: ["--bundle", str(bundle), "--device", "cpu", "--engine", engine] for engine in engines}
        seconds = []
        for what, words in (("one scan", one), (f"{N_SCANS} scans", many)):
            seconds.append(cpu_seconds({name: [*words, *more] for name, more in by.items()}, here / "out", rounds))
            _print(f"{what}, s of processor time, {rounds} rounds", seconds[-1])
        over: dict[str, float] = {
            engine: whole_over_scoring([*many, *more], here / engine) for engine, more in by.items()
        }
        _print(f"{N_SCANS} scans, the whole process over its opening and scoring", over)
    return seconds[0], seconds[1], over


def _print(what: str, by_engine: dict[str, float]) -> None:
    print(f"{what}:")  # noqa: T201 - what it is for
    for name, value in by_engine.items():
        print(f"  {name:12} {value:8.3f}  torch / it {by_engine['torch'] / value:5.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
