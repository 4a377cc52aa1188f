"""The table of the study: AUC and calibration of every arm at every hospital, with intervals by patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.federated.arms import ARMS, Arm
from benchmarks.federated.makers import MAKERS
from benchmarks.federated.scores import Scored, read_scored
from nodulus.pipeline.readout.calibration import Logistic
from nodulus.pipeline.statistics.calibration_metrics import calibration_report
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import Comparison, compare_scores
from nodulus.pipeline.training.calibrate import fit_logistic

ALL, BASELINE = "all", "pooled"
FEDERATED = "fedavg"
GOAL_BELOW_POOLED = 0.01


@dataclass(frozen=True)
class Judged:
    """A test nodule, and the probability that an arm's network gives it by either calibration.

    Args:
        maker: whose.
        patient_id: of it.
        nodule_id: of it.
        label: 0 or 1.
        common: by one calibration, fitted to the validation patients of all hospitals that trained the network.
        own: by the hospital's own, fitted to its validation patients alone.
    """

    maker: str
    patient_id: str
    nodule_id: str
    label: int
    common: float
    own: float


def table(out: Path) -> str:
    """Return what has finished in an output folder, as Markdown."""
    seeds = sorted(path for path in out.glob("seed*") if any(path.glob("*/scores.csv")))
    whole = [seed for seed in seeds if all((seed / arm.name / "scores.csv").is_file() for arm in ARMS)] or seeds[:1]
    arms = [arm for arm in ARMS if all((seed / arm.name / "scores.csv").is_file() for seed in whole)]
    judged = {
        arm.name: sorted(
            (one for seed in whole for one in judge(arm, read_scored(seed / arm.name / "scores.csv"))),
            key=lambda one: (one.patient_id, one.nodule_id),
        )
        for arm in arms
    }
    names = ", ".join(seed.name for seed in whole)
    parts = [f"{names}, {len(arms)} of {len(ARMS)} arms", _counts(judged), _aucs(judged), _eces(judged)]
    return "\n\n".join([*parts, *_goal(judged)]) + "\n"


def judge(arm: Arm, rows: Sequence[Scored]) -> list[Judged]:
    """Return the test nodules of an arm with both probabilities."""
    trained_at = {maker for site in arm.sites for maker in site}
    validation = [row for row in rows if row.split == "validation"]
    common = _fit([row for row in validation if row.maker in trained_at])
    own = {maker: _fit([row for row in validation if row.maker == maker]) for maker in MAKERS}
    return [
        Judged(
            row.maker,
            row.patient_id,
            row.nodule_id,
            row.label,
            common.probability(row.margin),
            own[row.maker].probability(row.margin),
        )
        for row in rows
        if row.split == "test"
    ]


def _fit(rows: Sequence[Scored]) -> Logistic:
    return fit_logistic([row.margin for row in rows], [row.label for row in rows])


def _counts(judged: Mapping[str, Sequence[Judged]]) -> str:
    rows = next(iter(judged.values()))
    at = {maker: [one for one in rows if one.maker == maker] for maker in MAKERS}
    told = (f"{len(ones)} nodules of {len({one.patient_id for one in ones})} patients at {m}" for m, ones in at.items())
    return f"Tested, without undecided nodules: {', '.join(told)}."


def _goal(judged: Mapping[str, Sequence[Judged]]) -> list[str]:
    """Return whether FedAvg is as good as pooled and above each hospital alone; nothing while arms are missing."""
    if len(judged) < len(ARMS):
        return []
    rows = judged[FEDERATED]
    said = {name: [one.common for one in ones] for name, ones in judged.items() if not name.startswith("without_")}
    labels, patients = [one.label for one in rows], [one.patient_id for one in rows]
    less = {
        name: compare_scores(labels, said, patients, name).difference[FEDERATED] for name in said if name != FEDERATED
    }
    below = -less[BASELINE].value
    alone = [name for name in less if name.startswith("local_")]
    above = [name for name in alone if less[name].value > 0]
    lines = [f"* {FEDERATED} less {name}: {_interval(less[name], '+')}" for name in less]
    met = [
        f"FedAvg within {GOAL_BELOW_POOLED} of pooled: {_yes(below <= GOAL_BELOW_POOLED)}",
        f"above every hospital alone: {_yes(len(above) == len(alone))} ({len(above)} of {len(alone)})",
    ]
    return [f"AUC of {ALL}, paired:", "\n".join(lines), f"The goal: {'; '.join(met)}."]


def _yes(is_met: bool) -> str:
    return "met" if is_met else "not met"


def _aucs(judged: Mapping[str, Sequence[Judged]]) -> str:
    columns = {where: _compare(judged, where) for where in (*MAKERS, ALL)}
    lines = [f"| AUC | {' | '.join(columns)} | less {BASELINE}, {ALL} |", f"| --- |{' --- |' * (len(columns) + 1)}"]
    for name in judged:
        cells = [_interval(comparison.auc[name]) for comparison in columns.values()]
        difference = columns[ALL].difference.get(name)
        lines.append(f"| {name} | {' | '.join(cells)} | {'' if difference is None else _interval(difference, '+')} |")
    return "\n".join(lines)


def _compare(judged: Mapping[str, Sequence[Judged]], where: str) -> Comparison:
    at = {name: [one for one in rows if where in (ALL, one.maker)] for name, rows in judged.items()}
    first = next(iter(at.values()))
    return compare_scores(
        [one.label for one in first],
        {name: [one.common for one in rows] for name, rows in at.items()},
        [one.patient_id for one in first],
        BASELINE if BASELINE in at else next(iter(at)),
    )


def _eces(judged: Mapping[str, Sequence[Judged]]) -> str:
    lines = [
        f"| ECE, one calibration / each hospital's own | {' | '.join(MAKERS)} |",
        f"| --- |{' --- |' * len(MAKERS)}",
    ]
    for name, rows in judged.items():
        cells = []
        for maker in MAKERS:
            at = [one for one in rows if one.maker == maker]
            cells.append(" / ".join(_ece(at, [getattr(one, kind) for one in at]) for kind in ("common", "own")))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ece(rows: Sequence[Judged], probabilities: Sequence[float]) -> str:
    patients = [one.patient_id for one in rows]
    report = calibration_report([one.label for one in rows], probabilities, patients, n_bins=5)
    return f"{_interval(report.ece)}, by chance {report.expected_ece:.3f}"


def _interval(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} ({estimate.low:{sign}.3f}, {estimate.high:{sign}.3f})"
