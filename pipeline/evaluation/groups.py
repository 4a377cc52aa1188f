"""How scores do on parts of the nodules: by size, scanner, patient, and under other label rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nodulus.pipeline.data.label_rules import LABEL_RULES
from nodulus.pipeline.statistics.binary_labels import class_counts
from nodulus.pipeline.statistics.strata import (
    AGE_STRATA,
    SIZE_STRATA,
    THICKNESS_STRATA,
    UNKNOWN,
    StratumResult,
    age_stratum,
    by_stratum,
    size_stratum,
    thickness_stratum,
    too_few,
)

from .predictions import Prediction, labelled
from .record import DIAMETER, Context, Counts, GroupRecord, ScoreRecord
from .scores import complete_scores, labels_of, patients_of, score_records

# Where readers hesitate and size tells least: the stratum that a score has to prove itself in.
SIZE_MATCHED = "8-15"
SIZE_MATCHED_MM = (8.0, 15.0)
LABEL_RULE = "label rule"
_SEXES = {"F": "female", "M": "male"}


def by_size(predictions: Sequence[Prediction], context: Context) -> tuple[GroupRecord, ...]:
    """Return the groups by diameter, in mm."""
    nodules = labelled(predictions)
    return _groups(
        "diameter (mm)", nodules, [size_stratum(prediction.diameter_mm) for prediction in nodules], SIZE_STRATA, context
    )


def size_matched(predictions: Sequence[Prediction], context: Context) -> dict[str, ScoreRecord]:
    """Return every score's record on the nodules of 8 to 15 mm alone; empty where they are too few."""
    inside = [
        prediction for prediction in labelled(predictions) if size_stratum(prediction.diameter_mm) == SIZE_MATCHED
    ]
    if too_few(class_counts(np.asarray(labels_of(inside), dtype=int) == 1, patients_of(inside))):
        return {}
    return score_records(inside, context)


def subgroups(predictions: Sequence[Prediction], context: Context) -> tuple[GroupRecord, ...]:
    """Return the groups by manufacturer, slice thickness, sex and age that hold nodules; unknown values come last."""
    nodules = labelled(predictions)
    thickness = [thickness_stratum(_number(prediction, "slice_thickness_mm")) for prediction in nodules]
    sex = [_SEXES.get(name, name) for name in (_text(prediction, "patient_sex") for prediction in nodules)]
    age = [age_stratum(_number(prediction, "patient_age")) for prediction in nodules]
    groups = (
        *_groups("manufacturer", nodules, [_text(prediction, "manufacturer") for prediction in nodules], (), context),
        *_groups("slice thickness (mm)", nodules, thickness, THICKNESS_STRATA, context),
        *_groups("sex", nodules, sex, tuple(_SEXES.values()), context),
        *_groups("age (years)", nodules, age, AGE_STRATA, context),
    )
    return tuple(group for group in groups if group.counts.nodules)


def by_label_rule(predictions: Sequence[Prediction], context: Context) -> tuple[GroupRecord, ...]:
    """Return the nodules that have readers' ratings, labelled anew by each rule; empty where none has."""
    rated = [(prediction, ratings) for prediction in predictions if (ratings := ratings_of(prediction))]
    groups: list[GroupRecord] = []
    for name, rule in LABEL_RULES.items() if rated else ():
        anew = [replace(prediction, label=rule(ratings)) for prediction, ratings in rated]
        decided = labelled(anew)
        (group,) = _groups(LABEL_RULE, decided, [name] * len(decided), (name,), context)
        undecided = len(anew) - len(decided)
        groups.append(group.model_copy(update={"counts": group.counts.model_copy(update={"undecided": undecided})}))
    return tuple(groups)


def ratings_of(prediction: Prediction) -> tuple[int, ...]:
    """Return each reader's malignancy rating; empty where the data list has none."""
    ratings = prediction.attributes.get("ratings")
    return tuple(int(rating) for rating in ratings) if isinstance(ratings, Sequence) else ()


def _groups(
    of: str, nodules: Sequence[Prediction], group_of: Sequence[str], order: Sequence[str], context: Context
) -> tuple[GroupRecord, ...]:
    """Return the groups of labelled nodules, one group named for each nodule; those of unknown value last."""
    results = by_stratum(
        labels_of(nodules),
        complete_scores(nodules),
        patients_of(nodules),
        group_of,
        DIAMETER,
        order,
        context.n_resamples,
        context.seed,
    )
    named = [_group(of, name, result) for name, result in results.items()]
    return tuple(sorted(named, key=lambda group: group.name == UNKNOWN))


def _group(of: str, name: str, result: StratumResult) -> GroupRecord:
    comparison = result.comparison
    return GroupRecord(
        of=of,
        name=name,
        counts=Counts.model_validate(result.counts),
        auc={} if comparison is None else dict(comparison.auc),
        minus_diameter={} if comparison is None else dict(comparison.difference),
        reason=result.why_not,
    )


def _text(prediction: Prediction, name: str) -> str:
    return str(prediction.attributes.get(name) or UNKNOWN)


def _number(prediction: Prediction, name: str) -> float | None:
    value = prediction.attributes.get(name)
    return float(value) if isinstance(value, int | float) else None
