"""How the model card says what a number means: each sentence follows from a record, none is chosen by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.lidc.baselines import READERS
from benchmarks.lidc.record import Goal, Group
from benchmarks.lidc.scores import OWN
from benchmarks.lidc.scores import TITLES as COMPARED
from nodulus.pipeline.evaluation.plots import TITLES as EVALUATED
from nodulus.pipeline.evaluation.record import CharacteristicRecord
from nodulus.pipeline.statistics.calibration_metrics import CalibrationReport
from nodulus.pipeline.statistics.estimate import Estimate

from .model_card_sources import FlagRate

_AT = {"at least": "≥", "at most": "≤", "above": ">"}
NODULES = ("validation nodules", "phantom nodules")
PLACES = {
    "bone": "bone",
    "body_wall": "muscle and fat of the body wall",
    "outside": "air outside the body",
    "lung": "plain lung",
    "beside_lung": "soft tissue at the lung's edge: vessels, bronchi, pleura",
    "vessels": "vessels and bronchi within the lung",
    "between_lungs": "heart and great vessels",
    "below_lungs": "organs below the lungs",
    "abdomen": "organs",
}


def score_title(name: str) -> str:
    """Return how a score is called in the card."""
    return {**EVALUATED, **COMPARED}.get(name, name)


def place_title(name: str) -> str:
    """Return how a kind of places is called in the card.

    >>> place_title("abdominal scan: bone"), place_title("below_lungs")
    ('abdominal scan: bone', 'organs below the lungs')
    """
    scan, separator, place = name.rpartition(": ")
    return f"{scan}{separator}{PLACES.get(place, place)}"


def is_nodules(rate: FlagRate) -> bool:
    """Return whether these places are nodules, which should not be flagged."""
    return rate.name.startswith(NODULES)


def weakest(rates: Iterable[FlagRate]) -> FlagRate | None:
    """Return the places without nodules that are flagged least."""
    return min((rate for rate in rates if not is_nodules(rate)), key=lambda rate: rate.flagged, default=None)


def compared(difference: Estimate) -> str:
    """Return in words what the paired interval of the network less another score says.

    >>> compared(Estimate(0.02, 0.01, 0.03)), compared(Estimate(0.02, -0.01, 0.05))
    ('network above it', 'not told apart')
    """
    if difference.low > 0:
        return "network above it"
    return "**network below it**" if difference.high < 0 else "not told apart"


def worth_reading(record: CharacteristicRecord) -> bool:
    """Return whether the error of a predicted characteristic is surely below that of saying the mean of all."""
    return record.mean_absolute_error.high < record.error_of_the_mean


def standing(group: Group) -> str:
    """Return which scores the network is above, not told apart from, and below, by its paired intervals.

    The readers' own word is left out, as it made the label, and the other ways to ask our own networks.
    """
    sides: dict[str, list[str]] = {}
    for name, difference in group.fold_mean_difference.items():
        if name in (READERS, *OWN):
            continue
        sides.setdefault(compared(difference).strip("*"), []).append(score_title(name))
    words = {"network above it": "above", "not told apart": "not told apart from", "network below it": "**below**"}
    return "; ".join(f"{said} {', '.join(sides[side])}" for side, said in words.items() if side in sides) + "."


def goals_in_words(goals: Sequence[Goal]) -> str:
    """Return how many goals are met, and each that is not, with what was measured."""
    measured = [goal for goal in goals if goal.value is not None]
    if not measured:
        return f"None of the {len(goals)} goals that were set beforehand has been measured yet."
    missed = [goal for goal in measured if not goal.is_met]
    words = f"{len(measured) - len(missed)} of {len(goals)} goals set beforehand are met"
    words += f"; {len(goals) - len(measured)} could not be measured" if len(measured) < len(goals) else ""
    if not missed:
        return f"{words}."
    each = "; ".join(f"{goal.what}, {goal.value:.3f} ({_AT[goal.at]} {goal.bound:g})" for goal in missed)
    return f"{words}. **Not met:** {each}."


def calibration_in_words(report: CalibrationReport) -> str:
    """Return whether the ECE is beyond chance, and to which side the probabilities err."""
    chance = f"{report.expected_ece:.3f} is what perfectly calibrated probabilities would show here by chance alone"
    ece = f"The expected calibration error is {report.ece.value:.3f}; {chance}."
    slope = report.slope
    if slope is None:
        spread = "No finite slope exists here."
    elif slope.high < 1:
        spread = f"The probabilities are too extreme (slope {slope}, below 1)."
    elif slope.low > 1:
        spread = f"The probabilities are too timid (slope {slope}, above 1)."
    else:
        spread = f"They are not shown to be too extreme or too timid (slope {slope}, 1 is right)."
    level = report.intercept
    if level.high < 0:
        height = f"On the whole they are too high (intercept {level}, below 0)."
    elif level.low > 0:
        height = f"On the whole they are too low (intercept {level}, above 0)."
    else:
        height = f"On the whole they are neither shown too high nor too low (intercept {level}, 0 is right)."
    return f"{ece} {spread} {height}"


def signed(estimate: Estimate | None) -> str:
    """Return a difference with its interval, every number with its sign; nothing where there is none."""
    if estimate is None:
        return ""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"
