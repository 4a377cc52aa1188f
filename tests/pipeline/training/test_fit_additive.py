"""The sum of characteristics and size is found where there is one, and not praised where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from nodulus.pipeline.readout.additive import TERMS
from nodulus.pipeline.training.fit_additive import fit_additive

N = 240
PATIENTS = [f"P{index // 2}" for index in range(N)]
SLOPES = np.linspace(-2, 2, len(TERMS))


def table(seed: int) -> tuple[np.ndarray, list[dict[str, float]]]:
    x = np.random.default_rng(seed).normal(3.0, 1.0, (N, len(TERMS)))
    return x, [dict(zip(TERMS, row, strict=True)) for row in x.tolist()]


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_is_found_again(seed: int) -> None:
    x, values = table(seed)
    found = fit_additive(values, 1.5 + x @ SLOPES, PATIENTS)
    assert found is not None
    slopes = [found.terms[name].slope for name in TERMS]
    assert slopes == pytest.approx(SLOPES, abs=0.15)  # drawn to 0 by the penalty
    assert found.average_logit == pytest.approx(float((1.5 + x @ SLOPES).mean()))
    assert found.explained.low > 0.99
    assert found.explained.low <= found.explained.value <= found.explained.high


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_noise_is_not_explained(noise: float) -> None:
    x, values = table(3)
    signal = x @ SLOPES
    logits = signal + np.random.default_rng(4).normal(0, noise * signal.std(), N)
    found = fit_additive(values, logits, PATIENTS)
    assert found is not None
    assert found.explained.low < 1 / (1 + noise**2) < found.explained.high


def test_a_patient_s_own_nodules_do_not_praise_the_sum() -> None:
    """Each patient's nodules are alike and his logits his own: only a fit that saw him would know."""
    random = np.random.default_rng(5)
    patients = [f"P{index // 20}" for index in range(N)]
    of_patient = random.normal(0, 1, (N // 20, len(TERMS) + 1)).repeat(20, axis=0)
    values = [dict(zip(TERMS, row, strict=True)) for row in of_patient[:, :-1].tolist()]
    found = fit_additive(values, of_patient[:, -1] * 5, patients)
    assert found is not None
    assert found.explained.value < 0


@pytest.mark.parametrize(("logits", "patients"), [([2.0] * N, PATIENTS), (list(range(N)), ["P1"] * N)])
def test_nothing_to_explain_gives_no_sum(logits: list[float], patients: list[str]) -> None:
    assert fit_additive(table(0)[1], logits, patients) is None


def test_two_patients_are_enough() -> None:
    found = fit_additive(table(0)[1], list(range(N)), ["P1"] * (N // 2) + ["P2"] * (N // 2))
    assert found is not None
    assert np.isfinite([found.explained.low, found.explained.high]).all()
