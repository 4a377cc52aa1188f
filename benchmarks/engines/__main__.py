"""Measures the engines and prints ratios: the network alone, and the whole command for one scan and for fifty.

python -m benchmarks.engines
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks.places import BUNDLE
from nodulus.pipeline.audit.gate import read_trusted
from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.engines.engine import EXPORTED
from nodulus.pipeline.engines.export import export_network
from nodulus.pipeline.engines.sessions import engine_version
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study

from .network import network_seconds
from .processes import N_SCANS, cpu_seconds, whole_over_scoring, write_cases


def main() -> None:
    """Export, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3, help="of whole processes; 0 leaves them out")
    parser.add_argument("--scan", type=Path, help="a scan with --nodule X,Y,Z,DIAMETER; else a phantom's")
    parser.add_argument("--nodule", help="LPS mm")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        bundle = shutil.copytree(BUNDLE, here / BUNDLE.name)
        engines = [engine for engine in EXPORTED if engine_version(engine) is not None]
        export_network(bundle, read_trusted(bundle, INFERENCE_CONFIG), engines, items_of_phantom()[:4])
        for batch_size in (1, 8):
            seconds = network_seconds(bundle, batch_size, arguments.blocks, 30)
            _print(f"network, {batch_size} patch(es) at once, ms", {k: 1000 * each for k, each in seconds.items()})
        if arguments.rounds:
            scan, nodule = _scan(arguments.scan, arguments.nodule, here)
            _print_processes(bundle, scan, nodule, ["torch", *engines], arguments.rounds)


def _scan(scan: Path | None, nodule: str | None, folder: Path) -> tuple[Path, Nodule]:
    if scan is None or nodule is None:
        study = write_demo_study(folder, PhantomSpec())
        return study.dicom_folder, study.marked.nodules[0]
    x, y, z, diameter_mm = map(float, nodule.split(","))
    return scan, Nodule("1", (x, y, z), diameter_mm)


def _print_processes(bundle: Path, scan: Path, nodule: Nodule, engines: list[str], rounds: int) -> None:
    place = ",".join(map(str, nodule.center_lps_mm))
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        one = [str(scan), f"--point={place}", "--diameter", str(nodule.diameter_mm)]
        many = [str(write_cases(scan, nodule, here))]
        by = {engine: ["--bundle", str(bundle), "--device", "cpu", "--engine", engine] for engine in engines}
        for what, words in ((f"one scan, s of processor time, {rounds} rounds", one), (f"{N_SCANS} scans", many)):
            seconds = cpu_seconds({name: [*words, *more] for name, more in by.items()}, here / "out", rounds)
            _print(what, seconds)
        print(f"{N_SCANS} scans, the whole process over its opening and scoring:")  # noqa: T201
        for engine, more in by.items():
            print(f"  {engine:12} {whole_over_scoring([*many, *more], here / engine):8.2f}", flush=True)  # noqa: T201


def _print(what: str, by_engine: dict[str, float]) -> None:
    print(f"{what}:")  # noqa: T201 - what it is for
    for name, value in by_engine.items():
        print(f"  {name:12} {value:8.3f}  torch / it {by_engine['torch'] / value:5.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
