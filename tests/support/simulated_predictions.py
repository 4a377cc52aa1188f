"""Predictions with a known answer: a latent suspicion that the network sees well and the diameter less well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nodulus.pipeline.data.label_rules import LABEL_RULES
from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.evaluation.record import BundleUsed, Context
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.operating_points import OperatingPoint

SCANNERS = ("GE MEDICAL SYSTEMS", "SIEMENS", "Philips")


def simulated_predictions(n_nodules: int = 240, seed: int = 0, network_noise: float = 0.8) -> list[Prediction]:
    """Return nodules of which every two share a patient; the diameter is a noisier view of what readers rate."""
    random = np.random.default_rng(seed)
    suspicion = random.normal(0, 1.5, n_nodules)
    return [_prediction(index, float(value), random, network_noise) for index, value in enumerate(suspicion)]


def _prediction(index: int, suspicion: float, random: np.random.Generator, network_noise: float) -> Prediction:
    ratings = [int(value) for value in np.clip(np.round(3 + suspicion + random.normal(0, 0.6, 4)), 1, 5)]
    seen = 2.2 * (suspicion + random.normal(0, network_noise))
    diameter_mm = float(np.exp(2.2 + 0.25 * (suspicion + random.normal(0, 2.0))))
    rated = {
        name: [int(value) for value in random.integers(s.low, s.high + 1, 4)] for name, s in CHARACTERISTICS.items()
    }
    attributes: dict[str, Any] = {
        "ratings": tuple(ratings),
        "characteristics": rated,
        "manufacturer": SCANNERS[index % 3],
        "slice_thickness_mm": (1.0, 2.5)[index % 2],
        "patient_sex": ("F", "M", "")[index % 3],
        "patient_age": None if index % 5 == 0 else float(40 + index % 45),
    }
    return Prediction(
        nodule_id=f"n{index:03d}",
        patient_id=f"p{index // 2:03d}",
        label=LABEL_RULES["mean above 3 against below 3"](ratings),
        diameter_mm=diameter_mm,
        probability=_logistic(seen),
        probability_diameter_box=_logistic(seen + float(random.normal(0, 0.5))),
        size_only=_logistic(4 * (np.log(diameter_mm) - 2.2)),
        characteristics={name: float(np.mean(values)) + float(random.normal(0, 0.3)) for name, values in rated.items()},
        outside_training_range=(f"diameter {diameter_mm:.1f} mm above 20.0 mm",) if diameter_mm > 20 else (),
        attributes=attributes,
        baselines={"hand features": suspicion + float(random.normal(0, 1.2))},
    )


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def simulated_context(**changes: object) -> Context:
    """Return the context of a simulated evaluation, with few resamples."""
    point = OperatingPoint(
        name="high_sensitivity",
        threshold=0.2,
        sensitivity=Estimate(0.95, 0.9, 0.99),
        specificity=Estimate(0.7, 0.6, 0.8),
        wanted=0.95,
    )
    context = Context(
        data="list.json",
        data_hash="ab" * 32,
        split="validation",
        label="mean of the radiologists' malignancy ratings, not pathology",
        overlap="None of these patients trained the weights.",
        overlapping_patients=0,
        bundle=BundleUsed(name="bundle", version="1.0", weights_sha256="cd" * 32),
        operating_points=(point, point.model_copy(update={"name": "high_specificity", "threshold": 0.8})),
        n_resamples=200,
        created="2026-01-01T00:00:00+00:00",
        software="nodulus 0.1.0",
    )
    return context.model_copy(update=changes)


def with_ratings(ratings: Sequence[Sequence[int]]) -> list[Prediction]:
    """Return one nodule, of its own patient, for each list of ratings; the scores follow the mean."""
    return [
        replace(
            simulated_predictions(1)[0],
            nodule_id=f"n{index}",
            patient_id=f"p{index}",
            label=LABEL_RULES["mean above 3 against below 3"](values),
            attributes={"ratings": tuple(values)},
        )
        for index, values in enumerate(ratings)
    ]
