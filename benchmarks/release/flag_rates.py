"""How often is a nodule flagged as outside of what the network was trained on: real ones, phantoms, and no nodules?

python -m benchmarks.release.flag_rates -o out/flag_rates.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np
from monai.bundle import ConfigParser
from scipy.stats import binomtest

from benchmarks.places import RECORDS, ROOT
from nodulus.pipeline.bundle.folder import CALIBRATION, INFERENCE_CONFIG, TRAINING_PATIENTS, find_bundle
from nodulus.pipeline.bundle.identity import identify
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.files import write_text
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.readout.training_range import (
    NoduleFacts,
    ReasonName,
    TrainingRange,
    fit_training_range,
    reasons_outside,
)
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.patches.note_facts import FACTS

from .flag_groups import Group, Item, lidc_list, nodule_groups, phantom_groups, point_groups

# Crops of a few slices are no whole scans, and are known to be Hounsfield units.
CROPS_ALLOW = ("too_few_slices", "not_hounsfield")
PAGE = RECORDS / "flag-rates.md"
START, END = "<!-- rates: written by python -m benchmarks.release.flag_rates --write-docs -->", "<!-- end of rates -->"
REASONS: tuple[ReasonName, ...] = get_args(ReasonName)


class Flagger(Protocol):
    """Gives the names of the reasons for which each item is flagged."""

    training_range: TrainingRange

    def reasons(self, items: Sequence[Item]) -> list[tuple[str, ...]]:
        """Return the reasons of each item, none where it is like those trained on."""


class BundleFlagger:
    """Flags as a user sees it: the bundle with its network and its calibration."""

    def __init__(self, bundle: Path) -> None:
        self._scorer = Scorer(bundle, device="cpu", allow=CROPS_ALLOW)
        self.training_range = read_calibration(bundle / CALIBRATION).training_range

    def reasons(self, items: Sequence[Item]) -> list[tuple[str, ...]]:
        """Return the reasons of each item."""
        return [tuple(one.name for one in read.readout.outside) for read in self._scorer.predict(items)]


class ImageFlagger:
    """Flags without the network: by size, spacing and density alone, in the range of a list's training split."""

    def __init__(self, bundle: Path, data: Path) -> None:
        parser = ConfigParser()
        parser.read_config(str(bundle / INFERENCE_CONFIG))
        parser.update({"bundle_root": str(bundle), "allow": list(CROPS_ALLOW)})
        self._preprocessing = parser.get_parsed_content("preprocessing")
        samples = [self._facts(item) for item in load_data_list(data, "training", boxes="both")]
        self.training_range = fit_training_range(samples, None)

    def reasons(self, items: Sequence[Item]) -> list[tuple[str, ...]]:
        """Return the reasons of each item."""
        facts = (self._facts(item) for item in items)
        return [tuple(one.name for one in reasons_outside(each, None, self.training_range)) for each in facts]

    def _facts(self, item: Item) -> NoduleFacts:
        return NoduleFacts.of_numbers(self._preprocessing(dict(item))[FACTS])


def main() -> None:
    """Measure the rates, print them and write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.release.flag_rates", description=__doc__)
    parser.add_argument("--bundle", type=Path, help="the bundle; the checkout's by default")
    parser.add_argument("--data", type=Path, help="list whose training split trained the bundle; made if not given")
    parser.add_argument("--no-network", action="store_true", help="leave the network's outputs out")
    parser.add_argument("--points", type=int, default=200, help="of each region of each scan")
    parser.add_argument("--phantoms", type=int, default=5, help="phantom studies of six nodules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "flag_rates.json")
    parser.add_argument("--write-docs", action="store_true", help=f"put the stored rates into {PAGE.name}")
    arguments = parser.parse_args()
    if arguments.write_docs:
        write_page(json.loads(arguments.output.read_text(encoding="utf-8")))
        return
    bundle = find_bundle(arguments.bundle, needs=(INFERENCE_CONFIG,))
    data = arguments.data or lidc_list(arguments.output.parent)
    flagger: Flagger = ImageFlagger(bundle, data) if arguments.no_network else BundleFlagger(bundle)
    known = None if arguments.no_network else bundle / TRAINING_PATIENTS
    groups = chain(
        nodule_groups(data, known),
        phantom_groups(arguments.phantoms),
        point_groups(data, arguments.points, np.random.default_rng(arguments.seed)),
    )
    results = {
        "command": _command(arguments),
        "bundle": None if arguments.no_network else identify(bundle).model_dump(mode="json"),
        "training_range": flagger.training_range.model_dump(mode="json"),
        "groups": pooled([_measured(group, flagger) for group in groups]),
    }
    write_text(arguments.output, json.dumps(results, indent=1) + "\n")
    print(as_markdown(results))  # noqa: T201 - a table for people


def pooled(measured: Iterable[tuple[Group, Counter[str]]]) -> list[dict[str, object]]:
    """Return the rates of the groups of one name together, with a 95 % Wilson interval, and those of each source.

    The interval is that of points drawn in these scans; how much scans differ is told by the sources.
    """
    by_name: dict[str, list[tuple[Group, Counter[str]]]] = {}
    for group, counts in measured:
        by_name.setdefault(group.name, []).append((group, counts))
    return [_record(name, parts) for name, parts in by_name.items()]


def as_markdown(results: Mapping[str, Any]) -> str:
    """Return the rates as a table, a group a row."""
    lines = ["| what | n | flagged | " + " | ".join(REASONS) + " |", "| --- | ---: | ---: |" + " ---: |" * len(REASONS)]
    for group in results["groups"]:
        low, high = group["flagged_95"]
        cells = [group["name"], str(group["n"]), f"{group['flagged']:.1%} ({low:.1%} to {high:.1%})"]
        lines.append("| " + " | ".join(cells + [f"{group['reasons'][name]:.1%}" for name in REASONS]) + " |")
    return "\n".join(lines)


def write_page(results: Mapping[str, Any], page: Path = PAGE) -> None:
    """Write the rates between the page's markers.

    Raises:
        ValueError: the page has no markers.
    """
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"Expected the markers of the rates in {page.name}, got none")
    weights = "no network" if results["bundle"] is None else f"weights {results['bundle']['weights_sha256'][:12]}"
    where = f"`{results['command']}`, {weights}:"
    write_text(page, f"{before}{START}\n\n{where}\n\n{as_markdown(results)}\n\n{END}{after}")


def _command(arguments: argparse.Namespace) -> str:
    """Return the command that measures the same, without the places of this machine."""
    words = ["python -m benchmarks.release.flag_rates"]
    words += ["--no-network"] if arguments.no_network else []
    words += [f"--points {arguments.points}", f"--phantoms {arguments.phantoms}", f"--seed {arguments.seed}"]
    return " ".join(words)


def _measured(group: Group, flagger: Flagger) -> tuple[Group, Counter[str]]:
    print(f"measuring {group.name}, {group.source}", file=sys.stderr)  # noqa: T201
    flagged = [names for names in flagger.reasons(group.items) if names]
    return group, Counter(chain(("any" for _ in flagged), *flagged))


def _record(name: str, parts: Sequence[tuple[Group, Counter[str]]]) -> dict[str, object]:
    n = sum(len(group.items) for group, _ in parts)
    counts = sum((counts for _, counts in parts), Counter[str]())
    interval = binomtest(counts["any"], n).proportion_ci(method="wilson")
    return {
        "name": name,
        "n": n,
        "flagged": counts["any"] / n,
        "flagged_95": [float(interval.low), float(interval.high)],
        "reasons": {reason: counts[reason] / n for reason in REASONS},
        "by_source": {group.source: counts["any"] / len(group.items) for group, counts in parts},
    }


if __name__ == "__main__":
    main()
