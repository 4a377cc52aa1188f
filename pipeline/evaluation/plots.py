"""The plots of an evaluation, each drawn from its record alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nodulus.pipeline.pictures.plot_style import (
    BENIGN_COLOUR,
    INK,
    MALIGNANT_COLOUR,
    MUTED,
    NETWORK_COLOUR,
    PAPER,
    SIZE_COLOUR,
    LegendPlace,
    add_legend,
    name_axes,
    new_axes,
    styles,
)
from nodulus.pipeline.statistics.curves import DecisionCurve
from nodulus.pipeline.statistics.estimate import Band, Estimate

from .record import DIAMETER, DIAMETER_BOX, NETWORK, SIZE_ONLY, Evaluation, GroupRecord, Histogram

# Beside the network a plot holds what size alone gives, and as many baselines as stay readable.
MOST_BASELINES = 5
TITLES = {NETWORK: "network", DIAMETER_BOX: "network, diameter box", SIZE_ONLY: "size only", DIAMETER: "diameter"}
_BY_SIZE = (SIZE_ONLY, DIAMETER)
# Of the forest plot: its rows, and how long the name of one may be beside its counts.
ROW_INCHES = 0.42
LONGEST_NAME = 36


def title_of(score: str) -> str:
    """Return how a score is called on the page."""
    return TITLES.get(score, score)


def group_title(name: str) -> str:
    """Return how a group is called on the page: ranges of numbers as they are printed.

    >>> group_title("<6"), group_title("SIEMENS-1")
    ('< 6', 'SIEMENS-1')
    """
    if not re.fullmatch(r"[<>=\d][<>=\d. to-]*", name):
        return name
    spaced = re.sub(r"^([<>]=?)", r"\1 ", name.replace("-", "\N{EN DASH}"))
    return spaced.replace("<=", "\N{LESS-THAN OR EQUAL TO}").replace(">=", "\N{GREATER-THAN OR EQUAL TO}")


def shown_scores(evaluation: Evaluation) -> list[str]:
    """Return the scores that fit into a plot of curves: the network, size alone, and the best baselines."""
    ours = (NETWORK, DIAMETER_BOX, *_BY_SIZE)
    baselines = [name for name in evaluation.curves_roc if name not in ours]
    best_first = sorted(baselines, key=lambda name: -evaluation.curves_roc[name].auc.value)
    return [NETWORK, SIZE_ONLY, *best_first[:MOST_BASELINES]]


def draw_roc(evaluation: Evaluation) -> Figure:
    """Draw sensitivity against 1 - specificity, the network with its band."""
    figure, axes = new_axes()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    looks = styles(shown_scores(evaluation), NETWORK, _BY_SIZE)
    for name, look in looks.items():
        curve = evaluation.curves_roc[name]
        label = f"{title_of(name)}  {curve.auc.value:.3f}"
        axes.plot(curve.steps_false_positive_rate, curve.steps_sensitivity, label=label, **look)  # type: ignore[arg-type]
    network = evaluation.curves_roc[NETWORK]
    _draw_band(axes, network.false_positive_rate, network.sensitivity)
    _finish(axes, "1 \N{MINUS SIGN} specificity", "sensitivity", "lower right")
    return figure


def draw_precision_recall(evaluation: Evaluation) -> Figure:
    """Draw precision against recall; the dotted line is what chance gives."""
    figure, axes = new_axes()
    share = evaluation.counts.malignant / max(1, evaluation.counts.malignant + evaluation.counts.benign)
    axes.axhline(share, color=MUTED, linewidth=0.8, linestyle=":")
    looks = styles(shown_scores(evaluation), NETWORK, _BY_SIZE)
    for name, look in looks.items():
        curve = evaluation.curves_precision_recall[name]
        label = f"{title_of(name)}  {curve.average_precision.value:.3f}"
        axes.plot(curve.recall, curve.precision.value, label=label, **look)  # type: ignore[arg-type]
    network = evaluation.curves_precision_recall[NETWORK]
    _draw_band(axes, network.recall, network.precision)
    _finish(axes, "recall (sensitivity)", "precision", "lower left")
    return figure


def draw_calibration(evaluation: Evaluation) -> Figure:
    """Draw the fraction malignant in bins of the probability, with Wilson intervals."""
    figure, axes = new_axes()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    looks = {SIZE_ONLY: (SIZE_COLOUR, "s", 1.1), NETWORK: (NETWORK_COLOUR, "o", 1.6)}
    for name, (colour, marker, width) in looks.items():
        if name not in evaluation.calibration:
            continue
        bins = evaluation.calibration[name].bins
        across = [part.mean_probability for part in bins]
        up = [part.fraction_malignant for part in bins]
        axes.errorbar(
            across,
            up,
            yerr=_arms([Estimate(part.fraction_malignant, part.low, part.high) for part in bins]),
            color=colour,
            marker=marker,
            markersize=4.5,
            linewidth=width,
            elinewidth=0.9,
            capsize=0,
            label=f"{title_of(name)}  ECE {evaluation.calibration[name].ece.value:.3f}",
        )
    _finish(axes, "calibrated probability", "fraction malignant", "upper left")
    return figure


def draw_decision_curve(curve: DecisionCurve) -> Figure:
    """Draw net benefit against the threshold at which one would act."""
    figure, axes = new_axes()
    for name, look in styles(list(curve.net_benefit), NETWORK, _BY_SIZE).items():
        axes.plot(curve.thresholds, curve.net_benefit[name].value, label=title_of(name), **look)  # type: ignore[arg-type]
    _draw_band(axes, curve.thresholds, curve.net_benefit[NETWORK])
    axes.plot(curve.thresholds, curve.treat_all.value, color=INK, linewidth=0.9, dashes=(4, 2), label="act on all")
    axes.axhline(0, color=MUTED, linewidth=0.9, linestyle=":", label="act on none")
    highest = max(max(benefit.high) for benefit in curve.net_benefit.values())
    name_axes(axes, "probability from which one acts", "net benefit (true positives a nodule)")
    axes.set(xlim=(0, 1), ylim=(-0.1 * highest, 1.04 * highest))
    add_legend(axes, "upper right")
    return figure


def draw_sizes(groups: Sequence[GroupRecord]) -> Figure:
    """Draw the AUC by size: the network and the diameter beside each other, with intervals."""
    figure, axes = new_axes()
    measured = [group for group in groups if NETWORK in group.auc]
    for name, colour, shift, marker in ((NETWORK, NETWORK_COLOUR, -0.1, "o"), (DIAMETER, SIZE_COLOUR, 0.1, "s")):
        estimates = [group.auc[name] for group in measured if name in group.auc]
        places = np.arange(len(estimates)) + shift
        axes.errorbar(
            places,
            [estimate.value for estimate in estimates],
            yerr=_arms(estimates),
            color=colour,
            marker=marker,
            markersize=5.5,
            linewidth=0,
            elinewidth=1.3,
            label=title_of(name),
        )
    axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_xticks(
        range(len(measured)), [f"{group_title(group.name)}\nn = {group.counts.nodules}" for group in measured]
    )
    lowest = min((estimate.low for group in measured for estimate in group.auc.values()), default=0.4)
    axes.set(xlim=(-0.5, max(len(measured), 1) - 0.5), ylim=(max(0.0, min(0.4, lowest - 0.03)), 1.02))
    axes.grid(visible=False, axis="x")
    name_axes(axes, "diameter (mm)", "AUC")
    add_legend(axes, "lower right")
    return figure


def draw_subgroups(evaluation: Evaluation) -> Figure:
    """Draw a forest plot: the network's AUC in each subgroup that is large enough, with intervals.

    What a row is stands above it and not beside it, so that names leave the width to the intervals.
    """
    whole = evaluation.scores[NETWORK]
    rows = [("all nodules", whole.counts, whole.auc)]
    rows += [
        (f"{group.of}: {group_title(group.name)}", group.counts, group.auc[NETWORK])
        for group in evaluation.subgroups
        if NETWORK in group.auc
    ]
    figure, axes = new_axes(height_inches=0.7 + ROW_INCHES * len(rows))
    axes.axvline(whole.auc.value, color=MUTED, linewidth=0.8, linestyle=":")
    for row, (name, counts, estimate) in enumerate(rows):
        axes.plot([estimate.low, estimate.high], [row, row], color=NETWORK_COLOUR, linewidth=1.4)
        axes.plot([estimate.value], [row], color=NETWORK_COLOUR, marker="D" if row == 0 else "o", markersize=5.5)
        _name_row(axes, row, f"{_shortened(name)}, n = {counts.nodules}, {counts.malignant} malignant")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    lowest = min(estimate.low for _, _, estimate in rows)
    axes.set(ylim=(len(rows) - 0.7, -0.8), xlim=(max(0.0, lowest - 0.02), 1.01))
    name_axes(axes, "AUC of the network", "")
    return figure


def _name_row(axes: Axes, row: int, name: str) -> None:
    """Write a row's name above it; lines of the grid stop at the text."""
    axes.text(
        0,
        row - 0.35,
        name,
        transform=axes.get_yaxis_transform(),
        color=INK,
        fontsize=9,
        va="center",
        parse_math=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
    )


def _shortened(name: str) -> str:
    """Return a name that fits above a row; the table of subgroups holds the whole."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def draw_histogram(histogram: Histogram) -> Figure:
    """Draw how many nodules of each class get which probability, benign below the line and malignant above."""
    figure, axes = new_axes()
    edges = np.asarray(histogram.edges)
    middles, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges) * 0.9
    axes.bar(middles, histogram.malignant, width=width, color=MALIGNANT_COLOUR, label="labelled malignant")
    axes.bar(middles, -np.asarray(histogram.benign), width=width, color=BENIGN_COLOUR, label="labelled benign")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlim(0, 1)
    name_axes(axes, "calibrated probability of the network", "nodules")
    add_legend(axes, "upper center")
    return figure


def _draw_band(axes: Axes, across: Sequence[float], band: Band) -> None:
    axes.fill_between(across, band.low, band.high, color=NETWORK_COLOUR, alpha=0.14, linewidth=0)


def _finish(axes: Axes, across: str, up: str, legend: LegendPlace) -> None:
    name_axes(axes, across, up)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    add_legend(axes, legend)


def _arms(estimates: Sequence[Estimate]) -> list[list[float]]:
    """Return how far the intervals reach below and above the values."""
    return [
        [max(0.0, estimate.value - estimate.low) for estimate in estimates],
        [max(0.0, estimate.high - estimate.value) for estimate in estimates],
    ]
