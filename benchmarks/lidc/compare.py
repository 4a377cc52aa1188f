"""Compares all scores on the same nodules, fold by fold, and says which goals are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import numpy as np

from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.statistics.calibration_metrics import calibration_report
from nodulus.pipeline.statistics.delong import delong_test
from nodulus.pipeline.statistics.operating_points import measure_at

from .baselines import READERS
from .fold_auc import PatientBootstrap, auc_of_fold
from .folds import PUBLISHED_TABLE, PublishedFolds
from .goals import goals
from .groups import ALL, SIZE_MATCHED, count, groups
from .record import Benchmark, Calibrated, Called, Delong, FoldRow, Networks, Repeat
from .scores import NETWORK, OWN, SCORES, FoldScores
from .untouched import Untouched

# What the differences are of, where no network was trained.
WITHOUT_NETWORK = "gradient_boosting"
PACKAGES = ("nodulus", "monai", "torch", "scikit-learn", "scipy", "numpy")


@dataclass(frozen=True)
class Made:
    """How the scores that are compared came to be.

    Args:
        command: that made them.
        networks: None where none was trained.
        problems: folds that failed.
    """

    command: str
    networks: Networks | None = None
    problems: tuple[str, ...] = ()


def compare(
    folds: Sequence[FoldScores],
    published: PublishedFolds,
    untouched: Untouched,
    crops: Path,
    made: Made,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Benchmark:
    """Return the record of a benchmark.

    Args:
        folds: all scores of the folds to compare; the same names in each.
        published: the published folds, to say which repeats are full.
        untouched: patients that took no part in any choice of settings.
        crops: folder of LIDC-IDRI crops; its tables are named by hash.
        made: how the scores came to be.
        n_resamples: bootstrap samples of patients.
        seed: of the bootstrap.
    """
    names = list(folds[0].scores)
    reference = NETWORK if NETWORK in names else WITHOUT_NETWORK
    bootstrap = PatientBootstrap([patient for fold in folds for patient in fold.patients], n_resamples, seed)
    rows = tuple(_fold_row(fold) for fold in folds)
    compared = groups(folds, untouched, bootstrap, reference)
    by_name = {group.name: group for group in compared}
    repeats = _repeats(rows, published)
    calibration = _calibration(folds, made.networks, n_resamples, seed) if made.networks else ()
    others = [name for name in names if name not in (*OWN, READERS)]
    return Benchmark(
        command=made.command,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        versions={name: version(name) for name in PACKAGES},
        files_sha256={name: sha256_of(Path(crops) / name) for name in ("nodules.csv", PUBLISHED_TABLE)},
        n_resamples=n_resamples,
        bootstrap_seed=seed,
        reference=reference,
        scores={name: SCORES[name] for name in names},
        networks=made.networks,
        untouched=(untouched.source, untouched.sha256),
        repeats=repeats,
        folds=rows,
        groups=compared,
        delong=tuple(_delong(folds, reference)),
        calibration=calibration,
        goals=goals(repeats, by_name[ALL], by_name.get(SIZE_MATCHED), calibration, others),
        problems=made.problems,
    )


def _fold_row(fold: FoldScores) -> FoldRow:
    return FoldRow(rep=fold.key.rep, fold=fold.key.fold, counts=count([fold]), auc=auc_of_fold(fold))


def _repeats(rows: Sequence[FoldRow], published: PublishedFolds) -> tuple[Repeat, ...]:
    def mean_over(those: Sequence[FoldRow]) -> dict[str, float]:
        return {name: float(np.mean([row.auc[name] for row in those])) for name in those[0].auc}

    repeats = sorted({row.rep for row in rows})
    return tuple(
        Repeat(
            rep=rep,
            folds=tuple(row.fold for row in rows if row.rep == rep),
            folds_at_hand=tuple(key.fold for key in published.select([rep])),
            auc=mean_over([row for row in rows if row.rep == rep]),
        )
        for rep in repeats
    )


def _delong(folds: Sequence[FoldScores], reference: str) -> list[Delong]:
    tests = []
    for rep in sorted({fold.key.rep for fold in folds}):
        of_rep = [fold for fold in folds if fold.key.rep == rep]
        labels = np.concatenate([fold.labels for fold in of_rep])
        scores = {name: np.concatenate([fold.scores[name] for fold in of_rep], axis=1) for name in of_rep[0].scores}
        for name in scores:
            if name in (reference, *OWN):
                continue
            results = [delong_test(labels, of_network, scores[name][0]) for of_network in scores[reference]]
            weakest = max(results, key=lambda result: result.p_value)
            tests.append(Delong(rep=rep, against=name, difference=weakest.difference, p_value=weakest.p_value))
    return tests


def _calibration(
    folds: Sequence[FoldScores], networks: Networks, n_resamples: int, seed: int
) -> tuple[Calibrated, ...]:
    reports = []
    for rep in sorted({fold.key.rep for fold in folds}):
        of_rep = [fold for fold in folds if fold.key.rep == rep]
        labels = np.concatenate([fold.labels for fold in of_rep])
        patients = [patient for fold in of_rep for patient in fold.patients]
        for row, of_seed in enumerate(networks.seeds):
            probabilities = np.concatenate([fold.scores[NETWORK][row] for fold in of_rep])
            report = calibration_report(labels, probabilities, patients, n_resamples=n_resamples, seed=seed)
            reports.append(
                Calibrated(
                    rep=rep,
                    seed=of_seed,
                    ece=report.ece,
                    expected_ece=report.expected_ece,
                    brier=report.brier,
                    slope=report.slope,
                    intercept=report.intercept,
                    calls=tuple(_called(of_rep, name, row, n_resamples, seed) for name in of_rep[0].calls),
                )
            )
    return tuple(reports)


def _called(folds: Sequence[FoldScores], name: str, row: int, n_resamples: int, seed: int) -> Called:
    """Return what an operating point gives over the folds of a repeat, one network a fold."""
    labels = np.concatenate([fold.labels for fold in folds])
    patients = [patient for fold in folds for patient in fold.patients]
    is_called = np.concatenate([fold.calls[name][row] for fold in folds])
    found = measure_at(labels, is_called.astype(float), patients, 0.5, n_resamples=n_resamples, seed=seed)
    return Called(name=name, sensitivity=found.sensitivity, specificity=found.specificity)
