"""What the model card is made of: the records of a bundle, read, typed, and all of the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lidc.recipe import train_recipe_sha256
from benchmarks.lidc.record import Benchmark, read_benchmark
from nodulus.pipeline.bundle.folder import CALIBRATION, INFERENCE_CONFIG, METADATA, TRAIN_CONFIG, WEIGHTS
from nodulus.pipeline.evaluation.record import Evaluation, read_evaluation
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.calibration import Calibration, read_calibration
from nodulus.pipeline.readout.training_range import ReasonName, TrainingRange
from nodulus.pipeline.records import Record
from nodulus.transforms.problems import UsageError

VALIDATION, FOLDS, OUT_OF_FOLD = Path("docs/metrics.json"), Path("docs/benchmark.json"), Path("docs/out_of_fold.json")
FLAG_RATES = Path("docs/flag_rates.json")
TRAINING, TRAINING_LOG = Path("models/training.txt"), Path("models/training_log.txt")


class FlagRate(Record):
    """How many places of one kind are flagged.

    Args:
        name: of the kind.
        n: places.
        flagged: share of them, for any reason.
        flagged_95: low and high end of its Wilson interval.
        reasons: share flagged for each reason.
        by_source: share flagged in each scan or list.
    """

    name: str
    n: int
    flagged: float
    flagged_95: tuple[float, float]
    reasons: Mapping[ReasonName, float]
    by_source: Mapping[str, float]


class _FlaggedBundle(Record, extra="allow"):
    weights_sha256: str


class FlagRates(Record):
    """What `python -m benchmarks.release.flag_rates` measured; ``bundle`` is None where it left the network out."""

    command: str
    bundle: _FlaggedBundle | None
    training_range: TrainingRange
    groups: tuple[FlagRate, ...]


@dataclass(frozen=True)
class TrainingTime:
    """How long a training took: epochs, their seconds together, and those of the median epoch."""

    epochs: int
    total_s: float
    median_s: float


@dataclass(frozen=True)
class Sources:
    """All that a card tells.

    Args:
        weights_sha256: of the bundle's weights, which all of this is of.
        weights_mb: size of the weights' file.
        train_recipe_sha256: see ``recipe.py``; of ``train.json`` as it is shipped.
        metadata: of the bundle.
        config: ``inference.json``, unresolved.
        training: facts of ``training.txt``, by name.
        time: of the training.
        calibration: of the weights.
        validation: the weights on the patients that chose them.
        folds: the cross-validation, with networks or, as yet, without.
        out_of_fold: its first full repeat, evaluated; None where no repeat is full or has networks.
        flags: how often places are flagged.
    """

    weights_sha256: str
    weights_mb: float
    train_recipe_sha256: str
    metadata: Mapping[str, Any]
    config: Mapping[str, Any]
    training: Mapping[str, str]
    time: TrainingTime
    calibration: Calibration
    validation: Evaluation
    folds: Benchmark
    out_of_fold: Evaluation | None
    flags: FlagRates


def read_sources(bundle: Path) -> Sources:
    """Return what a bundle's card is made of.

    Raises:
        UsageError: a record is missing, malformed, or of other weights than the bundle's.
        InputRefusedError: the calibration is.
    """
    if not (bundle / WEIGHTS).is_file():
        raise UsageError(f"Expected weights to make the model card of, found no file {bundle / WEIGHTS}")
    sha256 = sha256_of(bundle / WEIGHTS)
    folds = read_benchmark(bundle / FOLDS)
    validation, flags = read_evaluation(bundle / VALIDATION), read_flag_rates(bundle / FLAG_RATES)
    training = _training_facts(bundle / TRAINING)
    used = validation.context.bundle
    _check_weights(sha256, None if used is None else used.weights_sha256, bundle / VALIDATION)
    _check_weights(sha256, None if flags.bundle is None else flags.bundle.weights_sha256, bundle / FLAG_RATES)
    _check_weights(sha256, training.get("weights_sha256"), bundle / TRAINING)
    return Sources(
        weights_sha256=sha256,
        weights_mb=(bundle / WEIGHTS).stat().st_size / 1e6,
        train_recipe_sha256=train_recipe_sha256(bundle / TRAIN_CONFIG),
        metadata=read_json_as(dict[str, Any], bundle / METADATA, "the bundle's metadata"),
        config=read_json_as(dict[str, Any], bundle / INFERENCE_CONFIG, "the bundle's config"),
        training=training,
        time=_training_time(bundle / TRAINING_LOG),
        calibration=read_calibration(bundle / CALIBRATION, sha256),
        validation=validation,
        folds=folds,
        out_of_fold=_read_out_of_fold(bundle / OUT_OF_FOLD, folds),
        flags=flags,
    )


def read_flag_rates(path: Path) -> FlagRates:
    """Return the rates of a file.

    Raises:
        UsageError: it is missing, or holds something else.
    """
    return read_json_as(FlagRates, path, "rates of flags")


def _read_out_of_fold(path: Path, folds: Benchmark) -> Evaluation | None:
    """Return the evaluation of the first full repeat, whose nodules it must hold, or None without such a repeat."""
    full = next((repeat.rep for repeat in folds.repeats if repeat.is_full), None)
    if folds.networks is None or full is None:
        return None
    evaluation = read_evaluation(path)
    expected = sum(row.counts.nodules for row in folds.folds if row.rep == full)
    if evaluation.counts.nodules != expected:
        got = evaluation.counts.nodules
        raise UsageError(f"Expected the {expected} nodules of the first full repeat (rep {full}), got {got} in {path}")
    return evaluation


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"Expected a record to make the model card of, got {error.strerror} at {path}") from None


def _check_weights(expected: str, found: str | None, path: Path) -> None:
    if found != expected:
        got = "no weights" if found is None else found[:12]
        raise UsageError(f"Expected a record of the bundle's weights {expected[:12]}, got one of {got} in {path}")


def _training_facts(path: Path) -> dict[str, str]:
    lines = _bytes(path).decode().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _training_time(path: Path) -> TrainingTime:
    """Return the last column of the training's log, summed up."""
    try:
        seconds = sorted(float(line.split()[-1]) for line in _bytes(path).decode().splitlines()[1:])
        return TrainingTime(len(seconds), sum(seconds), seconds[len(seconds) // 2])
    except (IndexError, ValueError):
        raise UsageError(f"Expected a line an epoch with its seconds last in {path}, got something else") from None
