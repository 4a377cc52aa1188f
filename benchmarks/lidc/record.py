"""The record of a benchmark: everything that was compared, typed, as benchmark.json holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.metrics import Estimate


class Counts(Record):
    """Nodules and patients; each once, however often they were tested."""

    nodules: int
    patients: int
    malignant: int
    benign: int


class FoldRow(Record):
    """One fold: its nodules and each score's AUC on them; of several networks, the mean."""

    rep: int
    fold: int
    counts: Counts
    auc: Mapping[str, float]


class Repeat(Record):
    """One repeat of the published division.

    Args:
        rep: its number.
        folds: compared here.
        folds_at_hand: of those published, the ones that are not held back.
        auc: mean over its folds, by score.
    """

    rep: int
    folds: tuple[int, ...]
    folds_at_hand: tuple[int, ...]
    auc: Mapping[str, float]

    @property
    def is_full(self) -> bool:
        """Return whether no fold at hand is missing."""
        return self.folds == self.folds_at_hand


class Group(Record):
    """All scores on some of the nodules, with intervals from one bootstrap of patients.

    Args:
        name: short.
        description: which nodules.
        counts: of them.
        fold_mean: AUC within folds, averaged over them, by score.
        fold_sd: standard deviation of the AUC over the folds; absent where there is but one.
        pooled: AUC over all nodules of a repeat together, averaged over repeats.
        fold_mean_difference: the reference's fold mean less each other score's.
        pooled_difference: the reference's pooled AUC less each other score's.
    """

    name: str
    description: str
    counts: Counts
    fold_mean: Mapping[str, Estimate]
    fold_sd: Mapping[str, float]
    pooled: Mapping[str, Estimate]
    fold_mean_difference: Mapping[str, Estimate]
    pooled_difference: Mapping[str, Estimate]


class Delong(Record):
    """DeLong's test of the reference against another score on the pooled nodules of one repeat.

    Args:
        rep: the repeat.
        against: the other score.
        difference: reference less other; of several networks, of the one with the largest p-value.
        p_value: two-sided; nodules are taken to be independent.
    """

    rep: int
    against: str
    difference: Estimate
    p_value: float


class Called(Record):
    """What an operating point gives out of fold, each fold's threshold chosen on its own validation patients."""

    name: str
    sensitivity: Estimate
    specificity: Estimate


class Calibrated(Record):
    """How well the network's out-of-fold probabilities are calibrated in one repeat, one network.

    Args:
        rep: the repeat.
        seed: of the networks.
        ece: expected calibration error, ten equal-mass bins.
        expected_ece: what perfectly calibrated probabilities would show by chance.
        brier: mean squared error.
        slope: of the logistic regression on the logit; None where none is finite.
        intercept: calibration in the large.
        calls: at the operating points.
    """

    rep: int
    seed: int
    ece: Estimate
    expected_ece: float
    brier: Estimate
    slope: Estimate | None
    intercept: Estimate
    calls: tuple[Called, ...] = ()


class Goal(Record):
    """Something that was to be reached, and whether it was.

    Args:
        what: in words.
        bound: what ``value`` is held against.
        at: on which side of the bound it must lie.
        value: measured; None where it was not.
    """

    what: str
    bound: float
    at: Literal["at least", "at most", "above"]
    value: float | None

    @property
    def is_met(self) -> bool | None:
        """Return whether the goal is met; None where nothing was measured."""
        if self.value is None:
            return None
        if self.at == "above":
            return self.value > self.bound
        return self.value >= self.bound if self.at == "at least" else self.value <= self.bound


class Networks(Record):
    """How the networks that were compared were trained.

    Args:
        seeds: one network of each in every fold.
        epochs: at most; None for the number in ``train.json``.
        train_recipe_sha256: see ``recipe.py``; of ``train.json``.
        data_hashes: of each fold's data list.
        machines: versions and devices that trained them, each once.
        views: of each nodule, drawn once for all of them; None where every epoch drew new ones.
    """

    seeds: tuple[int, ...]
    epochs: int | None
    train_recipe_sha256: str
    data_hashes: Mapping[str, str]
    machines: tuple[str, ...]
    views: int | None = None


class Benchmark(Record):
    """A whole benchmark.

    Args:
        command: that made it.
        created: UTC.
        versions: of the packages that it depends on.
        files_sha256: of the tables that it was made from.
        n_resamples: bootstrap samples of patients.
        bootstrap_seed: of their draws.
        reference: the score whose differences to the others are given.
        scores: what each is, by name.
        networks: None where none was trained.
        untouched: where the untouched patients are from, and the SHA-256 of their sorted names.
        repeats: the repeats compared.
        folds: their folds.
        groups: all nodules, then some of them.
        delong: tests by repeat.
        calibration: by repeat and network.
        goals: each met or not.
        problems: folds that failed.
    """

    schema_version: Literal["1"] = "1"
    command: str
    created: str
    versions: Mapping[str, str]
    files_sha256: Mapping[str, str]
    n_resamples: int
    bootstrap_seed: int
    reference: str
    scores: Mapping[str, str]
    networks: Networks | None
    untouched: tuple[str, str]
    repeats: tuple[Repeat, ...]
    folds: tuple[FoldRow, ...]
    groups: tuple[Group, ...]
    delong: tuple[Delong, ...]
    calibration: tuple[Calibrated, ...]
    goals: tuple[Goal, ...]
    problems: tuple[str, ...] = ()

    def group(self, name: str) -> Group:
        """Return the group of a name."""
        return next(group for group in self.groups if group.name == name)


def write_benchmark(benchmark: Benchmark, path: Path) -> Path:
    """Write the record as JSON, whole or not at all, and return the path."""
    return write_text(path, benchmark.model_dump_json(indent=1) + "\n")


def read_benchmark(path: Path) -> Benchmark:
    """Return the record of a file.

    Raises:
        UsageError: it is missing or no record of this form.
    """
    return read_json_as(Benchmark, Path(path), "a benchmark's record")
