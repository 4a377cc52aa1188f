"""An evaluation in words: its verdict, its headline, and how numbers are written."""

from __future__ import annotations

from nodulus.pipeline.pages.environment import fixed
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.strata import too_few

from .record import DIAMETER, NETWORK, Evaluation


def headline(evaluation: Evaluation) -> str:
    """Return the evaluation in a line, with what has to be known beside its first figure."""
    network, diameter, counts = evaluation.scores[NETWORK].auc, evaluation.scores[DIAMETER].auc, evaluation.counts
    line = (
        f"AUC {fixed(network.value)} ({interval(network)}), of the diameter alone {fixed(diameter.value)}"
        f" ({interval(diameter)}), on {counts.nodules} nodules of {counts.patients} patients"
    )
    caveat = evaluation.context.caveat
    return line if caveat is None else f"{line}; {caveat}"


def verdict(evaluation: Evaluation) -> str:
    """Return in a few words whether the network tells more than the diameter does."""
    network, diameter = evaluation.scores[NETWORK], evaluation.scores[DIAMETER]
    gain = network.minus_diameter or Estimate(0.0, 0.0, 0.0)
    why_not = too_few(evaluation.counts.model_dump())
    if why_not:
        meaning = f"it says nothing of others ({why_not})"
    elif gain.low > 0:
        meaning = "the interval excludes zero, so the network says more than size does"
    elif gain.high < 0:
        meaning = "the interval excludes zero, and size alone does better than the network"
    else:
        meaning = "the interval holds zero, so nothing shows that the network says more than size does"
    return (
        f"The network reaches an AUC of {fixed(network.auc.value)} ({interval(network.auc)}) where the diameter alone"
        f" reaches {fixed(diameter.auc.value)} ({interval(diameter.auc)}). On the same nodules that is a gain of"
        f" {signed(gain.value)} ({signed_interval(gain)}): {meaning}."
    )


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Return from where to where an estimate's interval reaches."""
    return f"{fixed(estimate.low, digits)} to {fixed(estimate.high, digits)}"


def signed(value: float, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return from where to where a difference's interval reaches."""
    return f"{signed(estimate.low, digits)} to {signed(estimate.high, digits)}"


def p_value(value: float | None) -> str:
    """Return a p-value, a dash where there is none."""
    if value is None:
        return "\N{EN DASH}"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
