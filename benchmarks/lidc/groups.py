"""Which nodules are compared together, and what every score reaches on them?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.statistics.strata import size_stratum

from .fold_auc import PatientBootstrap, auc_of_fold, fold_mean_auc, pooled_auc
from .record import Counts, Group
from .scores import Chooses, FoldScores
from .untouched import Untouched

ALL, SIZE_MATCHED, UNTOUCHED, UNTOUCHED_SIZE_MATCHED = "all", "8-15 mm", "untouched", "untouched, 8-15 mm"


def groups(
    folds: Sequence[FoldScores], untouched: Untouched, bootstrap: PatientBootstrap, reference: str
) -> tuple[Group, ...]:
    """Return what every score reaches on all nodules and on some of them; a group without both classes is left out.

    Args:
        folds: all scores.
        untouched: patients that took no part in any choice of settings.
        bootstrap: of the patients.
        reference: the score whose differences to the others are given.
    """
    return tuple(
        _group(name, description, chosen, bootstrap, reference)
        for name, description, chooses in _choices(untouched)
        if _has_both_classes(chosen := [fold.only(chooses) for fold in folds])
    )


def count(folds: Sequence[FoldScores]) -> Counts:
    """Return the nodules and patients of some folds, each once."""
    nodules = {item.nodule_id: item for fold in folds for item in fold.nodules}.values()
    n_malignant = sum(item.label == 1 for item in nodules)
    return Counts(
        nodules=len(nodules),
        patients=len({item.patient_id for item in nodules}),
        malignant=n_malignant,
        benign=len(nodules) - n_malignant,
    )


def _choices(untouched: Untouched) -> list[tuple[str, str, Chooses]]:
    def is_size_matched(item: DataListItem) -> bool:
        return size_stratum(item.diameter_mm) == "8-15"

    def is_untouched(item: DataListItem) -> bool:
        return item.patient_id in untouched.patients

    return [
        (ALL, "all nodules of the folds", lambda _: True),
        (SIZE_MATCHED, "nodules of 8 to 15 mm, both ends included", is_size_matched),
        (UNTOUCHED, "nodules of patients that took no part in any choice of settings", is_untouched),
        (
            UNTOUCHED_SIZE_MATCHED,
            "nodules of 8 to 15 mm of patients that took no part in any choice of settings",
            lambda item: is_untouched(item) and is_size_matched(item),
        ),
    ]


def _has_both_classes(folds: Sequence[FoldScores]) -> bool:
    """Return whether at least one fold holds a pair of nodules to compare."""
    return any(set(fold.labels.tolist()) == {0, 1} for fold in folds)


def _group(
    name: str, description: str, folds: Sequence[FoldScores], bootstrap: PatientBootstrap, reference: str
) -> Group:
    fold_mean, pooled = fold_mean_auc(folds, bootstrap), pooled_auc(folds, bootstrap)
    by_fold = [aucs for aucs in map(auc_of_fold, folds) if not any(np.isnan(list(aucs.values())))]
    others = [each for each in fold_mean if each != reference]
    return Group(
        name=name,
        description=description,
        counts=count(folds),
        fold_mean={each: sampled.estimate() for each, sampled in fold_mean.items()},
        fold_sd={
            each: float(np.std([aucs[each] for aucs in by_fold], ddof=1)) for each in fold_mean if len(by_fold) > 1
        },
        pooled={each: sampled.estimate() for each, sampled in pooled.items()},
        fold_mean_difference={each: (fold_mean[reference] - fold_mean[each]).estimate() for each in others},
        pooled_difference={each: (pooled[reference] - pooled[each]).estimate() for each in others},
    )
