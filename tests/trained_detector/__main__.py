"""`make detector-phantom`: a detector that learns phantoms in minutes, and its record of what it finds of others."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import torch

from benchmarks.places import RECORDS
from benchmarks.validation import write_between
from nodulus.pipeline.detection.detector import Detector
from tests.support.detection_bundle import NAME, QUICK, write_bundle
from tests.trained_detector.measure import Scan, compare, tables
from tests.trained_detector.phantoms import draw_phantom, scan_of
from tests.trained_detector.training import scene_of, train

PAGE = RECORDS / "detector.md"
START, END = "<!-- figures: written by make detector-phantom -->", "<!-- end of figures -->"
# Of the phantoms to test on; those to train on have seeds from 0 on.
FIRST_TEST_SEED = 1000
# From this score on marks are looked at, to say what other thresholds would give.
LOWEST_SCORE = 0.1


def main() -> None:
    """Train, write the bundle, try it, write the record."""
    parser = argparse.ArgumentParser(prog="python -m tests.trained_detector", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/detector"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--train", type=int, default=12, help="phantoms, of 12 nodules each")
    parser.add_argument("--test", type=int, default=8, help="phantoms of other seeds, of 6 nodules each")
    asked = parser.parse_args()
    torch.set_num_threads(1)  # the same weights on any number of cores
    began = time.process_time()
    scenes = [scene_of(draw_phantom(seed, 12), QUICK) for seed in range(asked.train)]
    drawn_s = time.process_time() - began
    trained = train(scenes, QUICK, asked.steps, _tell)
    trained_s = time.process_time() - began - drawn_s
    bundle = asked.output / NAME
    shutil.rmtree(bundle, ignore_errors=True)
    write_bundle(asked.output, QUICK)
    torch.save(trained.network.state_dict(), bundle / "models" / "model.pt")
    scans = try_out(bundle, asked.test)
    about = (
        f"Trained on {asked.train} phantoms of 12 nodules, {asked.steps} steps of 4 crops: {drawn_s:.0f} s of processor"
        f" time for the phantoms, {trained_s:.0f} s for the network, from random weights."
    )
    write_between(PAGE, START, END, f"{about}\n\n{tables(scans)}")


def try_out(bundle: Path, n_phantoms: int) -> list[Scan]:
    """Return what a bundle finds, by the door that users take, in phantoms that did not train it."""
    detector = Detector(bundle, device="cpu")
    scans = []
    for seed in range(FIRST_TEST_SEED, FIRST_TEST_SEED + n_phantoms):
        phantom = draw_phantom(seed, 6)
        found = detector.find(scan_of(phantom), min_score=LOWEST_SCORE)
        scans.append(compare(phantom.nodules, found.nodules))
        _tell(f"phantom {seed}: {found.notes[0]}")
    return scans


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
