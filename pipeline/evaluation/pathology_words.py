"""The check against diagnoses in words: what can be told from so few patients, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence

from nodulus.pipeline.statistics.estimate import Estimate

from .record import DIAMETER, NETWORK, PathologyTask

READERS = "readers' mean rating"
# Below so many patients of a class an interval that excludes zero still hangs on a handful of them.
MIN_TO_RANK = 50


def pathology_sentences(task: PathologyTask) -> tuple[str, ...]:
    """Return what a task tells: beside one reader, beside the readers together, and beside size; none without AUC."""
    if NETWORK not in task.auc:
        return ()
    sentences = (_beside_one_reader(task), _beside_the_readers(task), _beside_size(task), _to_a_user(task))
    return tuple(sentence for sentence in sentences if sentence)


def pathology_in_short(tasks: Sequence[PathologyTask]) -> str:
    """Return all tasks in a few words: the score beside one reader, that size is not ranked, and what it means."""
    told = [task for task in tasks if NETWORK in task.auc]
    if not told:
        return "not compared: too few patients."
    figures = "; ".join(
        f"{task.positive} ({task.malignant}) or benign ({task.benign}): score {task.auc[NETWORK]}{_yardstick(task)}"
        for task in told
    )
    fewest = min(min(task.malignant, task.benign) for task in told)
    can_all = all(can_rank(task, DIAMETER) for task in told)
    unranked = "" if can_all else f" With {fewest} patients in the smallest class, score and size cannot be ranked."
    return f"{figures}.{unranked} {_to_a_user(told[0])}".strip()


def _yardstick(task: PathologyTask) -> str:
    return "" if task.one_reader is None else f", one reader {task.one_reader}"


def can_rank(task: PathologyTask, score: str) -> bool:
    """Return whether the network and another score can be ranked on these patients."""
    difference = task.network_minus.get(score)
    return min(task.malignant, task.benign) >= MIN_TO_RANK and difference is not None and _excludes_zero(difference)


def _beside_one_reader(task: PathologyTask) -> str:
    if task.one_reader is None:
        return ""
    less = task.minus_one_reader[NETWORK]
    told = ("below" if less.high < 0 else "above") if _excludes_zero(less) else "not told apart from"
    return (
        f"The score reaches {task.auc[NETWORK]} where one of the readers, rating alone, reaches {task.one_reader}:"
        f" {told} one reader ({signed(less)})."
    )


def _beside_the_readers(task: PathologyTask) -> str:
    if (less := task.network_minus.get(READERS)) is None:
        return ""
    more = Estimate(-less.value, -less.high, -less.low)
    if more.low > 0:
        return f"The mean of the readers, who saw the whole scan, is truly better: {signed(more)}."
    if more.high < 0:
        return f"The mean of the readers is below the score: {signed(more)}."
    return f"The mean of the readers, who saw the whole scan, is not told apart from the score: {signed(more)}."


def _beside_size(task: PathologyTask) -> str:
    if DIAMETER not in task.auc or can_rank(task, DIAMETER):
        return ""
    fewer, of = min((task.benign, "benign"), (task.malignant, "malignant"))
    half = (task.auc[NETWORK].high - task.auc[NETWORK].low) / 2
    return (
        f"Only {fewer} patients are {of}, so that an AUC may be off by \N{PLUS-MINUS SIGN}{half:.2f}: whether the score"
        " or size alone does better cannot be told from them."
    )


def _to_a_user(task: PathologyTask) -> str:
    if task.one_reader is None:
        return ""
    less = task.minus_one_reader[NETWORK]
    like = (
        "about as well as one radiologist"
        if not _excludes_zero(less)
        else ("less well than one radiologist" if less.high < 0 else "better than one radiologist")
    )
    return f"For a user: the score tells {task.positive} from benign {like} does, far from surely; it is no biopsy."


def signed(estimate: Estimate) -> str:
    """Return a difference with its interval, each number with its sign."""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _excludes_zero(estimate: Estimate) -> bool:
    return estimate.low > 0 or estimate.high < 0
