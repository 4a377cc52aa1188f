"""Fits the likeness, measures it on patients and scans that it was not fitted to, and puts it into the bundle.

python -m benchmarks.likeness
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.places import BUNDLE, RECORDS
from benchmarks.release.flag_groups import lidc_list
from nodulus.pipeline.bundle.folder import CALIBRATION
from nodulus.pipeline.data.data_list import DataListFile, DataListItem
from nodulus.pipeline.files import write_text
from nodulus.pipeline.readout.calibration import read_calibration, write_calibration
from nodulus.pipeline.readout.nodule_likeness import MEASURES, LikenessFit, NoduleLikeness

from .fit import fit, limit
from .measure import measure
from .page import write_page
from .places import draw_places
from .samples import Samples, measure_nodules, measure_places, patch_shape

RECORD = RECORDS / "likeness.json"
FLAGGED_MAX = 0.02


def main() -> None:
    """Measure, fit and ship, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.likeness", description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="whose calibration receives the likeness")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=RECORD, help="the record")
    arguments = parser.parse_args()
    if not arguments.page:
        with tempfile.TemporaryDirectory() as folder:
            data = DataListFile.read(lidc_list(Path(folder)))
            samples = _samples(data, arguments.seed)
        record = measure(samples, np.random.default_rng(arguments.seed))
        write_text(arguments.output, json.dumps(record, indent=1) + "\n")
        ship(likeness(samples, data.data_hash), arguments.bundle)
    if arguments.output == RECORD:
        write_page(json.loads(arguments.output.read_text(encoding="utf-8")))


def likeness(samples: Samples, data_hash: str) -> NoduleLikeness:
    """Return the likeness fitted to the training patients and all places, its limit set on validation patients."""
    is_place = ~samples.is_nodule
    fitted = fit(samples.part(is_place | (samples.split == "training")))
    validation = samples.part(samples.split == "validation")
    return NoduleLikeness(
        measures=MEASURES,
        mean=_rounded(fitted.mean),
        scale=_rounded(fitted.scale),
        coefficients=_rounded(fitted.coefficients),
        intercept=fitted.intercept,
        log_odds_min=limit(fitted, validation, FLAGGED_MAX),
        patch=patch_shape(),
        fitted_on=LikenessFit(
            data_hash=data_hash,
            nodules=len(samples.part((samples.split == "training") & (samples.kind == "own box")).group),
            scans=tuple(sorted(set(samples.group[is_place].tolist()))),
            places=int(is_place.sum()),
            flagged_max=FLAGGED_MAX,
        ),
    )


def ship(found: NoduleLikeness, bundle: Path) -> None:
    """Put a likeness into a bundle's calibration; nothing else of it changes."""
    calibration = read_calibration(bundle / CALIBRATION)
    limits = calibration.training_range.model_copy(update={"likeness": found})
    write_calibration(calibration.model_copy(update={"training_range": limits}), bundle / CALIBRATION)


def _samples(data: DataListFile, seed: int) -> Samples:
    training = data.items("training")
    nodules: list[tuple[str, DataListItem]] = [("training", item) for item in training]
    nodules += [("validation", item) for item in data.items("validation")]
    seen = measure_nodules(nodules, data.folder, np.random.default_rng(seed))
    places = draw_places(training, data.items("test"), np.random.default_rng(seed))
    return seen.with_more(measure_places(places))


def _rounded(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)


if __name__ == "__main__":
    main()
