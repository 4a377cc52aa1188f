"""Measures how many nodules and places the likeness flags, of patients and scans that it was not fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights

from .fit import VIEWS, fit, limit
from .samples import Samples

N_FOLDS = 5
FLAGGED_MAX = (0.01, 0.02, 0.03, 0.05)


def measure(samples: Samples, random: np.random.Generator) -> dict[str, Any]:
    """Return the record: shares of nodules and of places that are flagged, by how many nodules may be.

    Patients are dealt into five parts. For each part and each scan a likeness is fitted to three parts of the patients
    and to the places of the other scans; its limit is set on the fourth part, and the fifth part and the scan are
    judged. So no patient and no scan that is judged had a say in the likeness or in its limit.
    """
    part = _parts(samples, random)
    scans = sorted(set(samples.group[~samples.is_nodule]))
    flagged = {most: np.zeros(len(part)) for most in FLAGGED_MAX}
    judgements = np.zeros(len(part))
    for scan in scans:
        for k in range(N_FOLDS):
            judged, sets_limit = part == k, samples.part(part == (k + 1) % N_FOLDS)
            held = judged | (part == (k + 1) % N_FOLDS) | (samples.group == scan)
            fitted = fit(samples.part(~held))
            asked = judged | (samples.group == scan)
            log_odds = fitted.log_odds(samples.measures[asked])
            judgements[asked] += 1
            for most in FLAGGED_MAX:
                flagged[most][asked] += log_odds < limit(fitted, sets_limit, most)
    return {
        "nodules": int((samples.is_nodule & (samples.kind == VIEWS[0])).sum()),
        "patients": len(set(samples.group[samples.is_nodule])),
        "flagged_max": {
            f"{most:g}": _shares(samples, each / np.maximum(judgements, 1)) for most, each in flagged.items()
        },
    }


def _parts(samples: Samples, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the part of each nodule's patient, -1 of places."""
    patients = sorted(set(samples.group[samples.is_nodule]))
    of = dict(zip(patients, random.permutation(len(patients)) % N_FOLDS, strict=True))
    return np.asarray(
        [of.get(group, -1) if one else -1 for group, one in zip(samples.group, samples.is_nodule, strict=True)]
    )


def _views(samples: Samples) -> list[str]:
    return list(dict.fromkeys(samples.kind[samples.is_nodule].tolist()))


def _shares(samples: Samples, flagged: NDArray[np.float64]) -> Mapping[str, Any]:
    """Return the share flagged of the nodules by view, and of the places by region and scan.

    A nodule or a place was judged by several likenesses: its value is the part of them that flagged it.
    """
    return {
        "nodules": {view: _of_nodules(samples, flagged, samples.kind == view) for view in _views(samples)},
        "places": {
            region: _of_places(samples, flagged, ~samples.is_nodule & (samples.kind == region))
            for region in dict.fromkeys(samples.kind[~samples.is_nodule])
        },
    }


def _of_nodules(samples: Samples, flagged: NDArray[np.float64], chosen: NDArray[np.bool_]) -> Mapping[str, float]:
    """Return the share with the interval of 2000 draws of patients."""
    weights = patient_weights(list(samples.group[chosen]))
    sampled = weights @ flagged[chosen] / np.maximum(weights.sum(axis=1), 1)
    found = estimate(float(flagged[chosen].mean()), sampled)
    return {"value": found.value, "low": found.low, "high": found.high}


def _of_places(samples: Samples, flagged: NDArray[np.float64], chosen: NDArray[np.bool_]) -> Mapping[str, Any]:
    """Return the share with Wilson's interval of places drawn in these scans, and that of each scan."""
    n, share = int(chosen.sum()), float(flagged[chosen].mean())
    interval = binomtest(round(share * n), n).proportion_ci(method="wilson")
    scans = {
        str(scan): float(flagged[chosen & (samples.group == scan)].mean())
        for scan in sorted(set(samples.group[chosen]))
    }
    return {"n": n, "value": share, "low": float(interval.low), "high": float(interval.high), "by_scan": scans}
