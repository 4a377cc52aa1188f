"""Nodules of another place with a known answer: how malignancy follows from the image, the size and the patient."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from nodulus.pipeline.readout.patient_facts import COLUMNS
from nodulus.pipeline.training.local_nodules import LocalNodules

# What a year beyond 62, and being male, add to the logit; the size adds nothing beyond the image.
PER_YEAR, MALE = 0.08, 1.2


def local_place(
    n_patients: int = 300,
    seed: int = 0,
    *,
    intercept: float = 0.0,
    slope: float = 1.0,
    with_patient: bool = False,
    missing: float = 0.0,
) -> LocalNodules:
    """Return two nodules a patient, their logit ``intercept + slope * image`` and what the patient adds.

    Args:
        n_patients: how many.
        seed: of all that is drawn.
        intercept: how far the shipped calibration is off here.
        slope: how much too timid it is.
        with_patient: whether age and sex add to the logit; emphysema never does.
        missing: share of patients whose age, sex and emphysema are not known, each by itself.
    """
    random = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), 2)
    image = random.normal(0, 1.5, len(patient))
    age, male = random.normal(62, 9, n_patients), (random.random(n_patients) < 0.5).astype(float)
    emphysema = (random.random(n_patients) < 0.4).astype(float)
    adds = PER_YEAR * (age - 62) + MALE * (male - 0.5) if with_patient else np.zeros(n_patients)
    logit = intercept + slope * image + adds[patient]
    facts = np.full((len(patient), len(COLUMNS)), np.nan)
    for name, values in (("age_years", age), ("male", male), ("emphysema", emphysema)):
        known = np.where(random.random(n_patients) < missing, np.nan, values)
        facts[:, COLUMNS.index(name)] = known[patient]
    return LocalNodules(
        logits=image,
        log_diameters=2.2 + 0.2 * image + random.normal(0, 0.3, len(patient)),
        labels=(random.random(len(patient)) < expit(logit)).astype(np.intp),
        patients=tuple(f"p{each:03d}" for each in patient),
        facts=facts,
    )
