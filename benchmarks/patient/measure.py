"""Asks of nodules with out-of-fold scores what `nodulus calibrate --covariates` asks of a hospital's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ceiling.nodules import Scored
from nodulus.pipeline.readout.patient_facts import COLUMNS, COVARIATES, patient_facts
from nodulus.pipeline.training.local_nodules import LocalNodules
from nodulus.pipeline.training.patient_fit import choose_covariates, judge_together

ASKED = ("age", "sex")


def local_nodules(scored: Scored) -> LocalNodules:
    """Return the nodules that have a score, with what is known of their patients.

    The image's logit is the mean over repeats: of networks that saw none of the patients.
    """
    items, labels = [scored.items[place] for place in scored.tested], scored.labels
    told = [patient_facts(item.model_extra or {}) for item in items]
    return LocalNodules(
        logits=scored.logits[scored.tested],
        log_diameters=np.log([item.diameter_mm for item in items]),
        labels=np.asarray([labels[place] for place in scored.tested], dtype=np.intp),
        patients=tuple(item.patient_id for item in items),
        facts=np.asarray([list(facts.values()) for facts in told]),
    )


def measure_patient(nodules: LocalNodules, asked: Sequence[str] = ASKED) -> dict[str, Any]:
    """Return what the covariates give on all nodules, and on those of which all of them are known."""
    columns = [COLUMNS.index(column) for name in asked for column in COVARIATES[name]]
    known = np.flatnonzero(~np.isnan(nodules.facts[:, columns]).any(axis=1))
    return {"all nodules": _asked(nodules, asked), f"{' and '.join(asked)} known": _asked(nodules.of(known), asked)}


def _asked(nodules: LocalNodules, asked: Sequence[str]) -> dict[str, Any]:
    _, trials = choose_covariates(nodules, asked)
    return {
        "nodules": len(nodules),
        "patients": len(set(nodules.patients)),
        "malignant": int(nodules.labels.sum()),
        "trials": [trial.model_dump() for trial in trials],
        "together": judge_together(nodules, asked).model_dump(),
    }
