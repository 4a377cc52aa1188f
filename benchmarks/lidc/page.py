"""Renders docs/records/benchmark.md from the record of a benchmark: every number on the page is the record's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nodulus.pipeline.statistics.metrics import Estimate

from .folds import VALIDATION_PARTS
from .record import Benchmark, Goal, Group
from .scores import TITLES

_MET = {True: "met", False: "**not met**", None: "not measured"}

METHOD = f"""## How

The folds are those of a published patient-level benchmark
([nodule-partition-leakage](https://github.com/nykemariotto/nodule-partition-leakage), MIT), whose out-of-fold scores of
DenseNet121, EfficientNet-B0 and ViT-S stand beside ours on the same nodules. Part of it is held back as a locked test
set: no nodule of it is here, and as it holds the whole fold 0 of repeat 0, that repeat has four folds.

* **Label.** Median of the radiologists' malignancy ratings: above 3 malignant, below 3 benign, 3 left out. It is
  **radiologists' opinion, not pathology**.
* **Division.** A fold's nodules are the test. No other nodule of their patients is used. All others at hand train or
  validate the network, undecided ones included, labelled by their mean rating; one patient in {VALIDATION_PARTS} of
  those validates: early stopping, calibration, thresholds. Two patients of the end-to-end tests never train.
* **Settings** of the training were chosen on validation patients of the same collection, before this benchmark. Those
  that took no part in that are the untouched ones: read their figures beside those of all.
* **What is given.** The network is shown the nodule's box around the readers' outlines and 5 mm about it in the slice
  plane; the row "centre and diameter given" shows it the box that the diameter implies instead, which is all that a
  user without an outline has. The diameter itself is measured from the readers' outlines, too.
* **Baselines** are fitted to the training and validation patients of the same fold, labelled by the median rule, with
  settings fixed beforehand. Mask volume, gradient boosting and logistic regression see the nodule's whole mask, of
  which the network is given the box only.
* **The same readers' characteristics** are no rival: those who made the label rated both, and agree with themselves.
  What those of other readers reach, and how far the label lets any score come, is [told apart](ceiling.md).
* **Every score** of every test nodule is in [out_of_fold_scores.csv](out_of_fold_scores.csv), by repeat, fold and
  nodule, to pair others with.
* **Published networks** were trained by their authors in their own way, on the benchmark's nodules, those held back
  here included: on single slices, cropped to the readers' consensus box and 8 mm about it and stretched to one size,
  with benign or malignant for a label. The network here saw besides: undecided nodules, each reader's rating, and
  ratings of eight characteristics. What is compared is one whole procedure with another, not architectures.
* **Fold mean**: AUC within each fold, averaged over folds. **Pooled**: AUC over all out-of-fold scores of a repeat,
  averaged over repeats. Models of different folds need not share a scale: for them the fold mean is the fairer.
* **Intervals**: 95 %, percentile bootstrap of patients with all their nodules, one draw for everything, so that
  differences are paired. They hold the chance in the test patients, not that in training.
* **DeLong's test** takes nodules to be independent, which those of one patient are not: read the bootstrap first.
* **Several seeds**: each figure of the network is the mean over single networks; the mean of their probabilities is a
  row of its own. DeLong's test is that of the network with the largest p-value.
"""

GOALS = """
The mean AUC is that over the folds of a repeat, then over the full repeats. "Lower end" is that of the paired 95 %
interval of the difference over all folds; at 8 to 15 mm it is the pooled difference. Calibration is out of fold, of the
full repeats: the error as the mean over repeats and networks, the slope as the least and the greatest of them.
"""


def render(benchmark: Benchmark) -> str:
    """Return the page, Markdown."""
    parts = [
        "# Benchmark on published LIDC-IDRI folds",
        _made(benchmark),
        "## Goals",
        GOALS.strip(),
        _goals(benchmark.goals),
        "## Results",
        *(_group(group, benchmark.reference) for group in benchmark.groups),
        "## Repeats and folds",
        _repeats(benchmark),
        _folds(benchmark),
        "## DeLong's test",
        _delong(benchmark),
        *(["## Calibration out of fold", _calibration(benchmark)] if benchmark.calibration else []),
        METHOD.strip(),
        "## What the scores are",
        "\n".join(f"* {TITLES[name]}: {what}." for name, what in benchmark.scores.items()),
        "## Made from",
        _provenance(benchmark),
    ]
    return "\n\n".join(parts) + "\n"


def _made(benchmark: Benchmark) -> str:
    networks = benchmark.networks
    trained = (
        f"Networks of {'seed' if len(networks.seeds) == 1 else 'seeds'} {_listed(networks.seeds)} in each fold."
        if networks
        else "No network was trained in these folds yet: baselines and published scores only."
    )
    failed = f"\n\nFailed: {'; '.join(benchmark.problems)}." if benchmark.problems else ""
    made = f"`{benchmark.command}`, {benchmark.created[:10]}."
    return f"{made} {trained} Written from `benchmark.json`, not by hand.{failed}"


def _goals(goals: Sequence[Goal]) -> str:
    rows = [
        (goal.what, f"{goal.at} {goal.bound:g}", "" if goal.value is None else f"{goal.value:.3f}", _MET[goal.is_met])
        for goal in goals
    ]
    return _table(("goal", "bound", "measured", ""), rows)


def _group(group: Group, reference: str) -> str:
    counts = group.counts
    heading = (
        f"### {group.name}\n\n{group.description[0].upper()}{group.description[1:]}: {counts.nodules} nodules of "
        f"{counts.patients} patients ({counts.malignant} malignant, {counts.benign} benign)."
    )
    columns = (
        "score",
        "AUC, fold mean",
        "sd of folds",
        "AUC, pooled",
        *(f"{TITLES[reference]} less it, {kind}" for kind in ("fold mean", "pooled")),
    )
    rows = [
        (
            TITLES[name],
            str(mean),
            f"{group.fold_sd[name]:.3f}" if name in group.fold_sd else "",
            str(group.pooled[name]),
            _signed(group.fold_mean_difference.get(name)),
            _signed(group.pooled_difference.get(name)),
        )
        for name, mean in group.fold_mean.items()
    ]
    return f"{heading}\n\n{_table(columns, rows)}"


def _repeats(benchmark: Benchmark) -> str:
    rows = [
        (f"{repeat.rep}", f"{_listed(repeat.folds)}{'' if repeat.is_full else ' (not full)'}", *_aucs(repeat.auc))
        for repeat in benchmark.repeats
    ]
    return _table(("repeat", "folds", *map(_title, benchmark.scores)), rows)


def _folds(benchmark: Benchmark) -> str:
    rows = [
        (f"{row.rep}.{row.fold}", f"{row.counts.malignant} + {row.counts.benign}", *_aucs(row.auc))
        for row in benchmark.folds
    ]
    return _table(("fold", "malignant + benign", *map(_title, benchmark.scores)), rows)


def _delong(benchmark: Benchmark) -> str:
    rows = [
        (f"{test.rep}", _title(test.against), _signed(test.difference), _p(test.p_value)) for test in benchmark.delong
    ]
    return _table(("repeat", "against", f"{_title(benchmark.reference)} less it, pooled", "p"), rows)


def _calibration(benchmark: Benchmark) -> str:
    rows = [
        (
            f"{each.rep}",
            f"{each.seed}",
            str(each.ece),
            f"{each.expected_ece:.3f}",
            str(each.brier),
            "" if each.slope is None else str(each.slope),
            str(each.intercept),
        )
        for each in benchmark.calibration
    ]
    calls = [
        (f"{each.rep}", f"{each.seed}", call.name.replace("_", " "), str(call.sensitivity), str(call.specificity))
        for each in benchmark.calibration
        for call in each.calls
    ]
    quality = _table(("repeat", "seed", "ECE", "ECE by chance alone", "Brier", "slope", "intercept"), rows)
    if not calls:
        return quality
    held = "At the thresholds that each network's own validation patients chose for 95 % sensitivity or specificity:"
    return f"{quality}\n\n{held}\n\n" + _table(("repeat", "seed", "point", "sensitivity", "specificity"), calls)


def _provenance(benchmark: Benchmark) -> str:
    lines = [
        "Data: LIDC-IDRI, CC BY 3.0, doi:10.7937/K9/TCIA.2015.LO9QL9SX.",
        *(f"`{name}`: SHA-256 `{digest}`." for name, digest in benchmark.files_sha256.items()),
        f"Untouched patients: {benchmark.untouched[0]}; SHA-256 of their names `{benchmark.untouched[1]}`. "
        "They may have trained networks that were compared; no choice was judged on them.",
        f"Bootstrap: {benchmark.n_resamples} samples, seed {benchmark.bootstrap_seed}.",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in benchmark.versions.items()) + ".",
    ]
    if benchmark.networks:
        lines.append(f"`train.json`: SHA-256 of its recipe `{benchmark.networks.train_recipe_sha256}`.")
        lines += [f"Networks trained with {machine}." for machine in benchmark.networks.machines]
        if benchmark.networks.views is not None:
            lines.append(
                f"Networks trained on {benchmark.networks.views} patches of each nodule, drawn once for all of them, "
                "through the first stages in bfloat16, and to the last epoch: none is picked. The shipped weights drew "
                "new ones in every epoch, and are those of the best one on their validation patients."
            )
    return "\n".join(f"* {line}" for line in lines)


def _aucs(auc: Mapping[str, float]) -> list[str]:
    return [f"{value:.3f}" for value in auc.values()]


def _title(name: str) -> str:
    return TITLES[name]


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _signed(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _p(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
