"""Renders docs/records/explanations.md from the record: every number on the page is the record's."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.places import BUNDLE
from nodulus.pipeline.bundle.folder import WEIGHTS
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.readout.additive import AdditiveModel
from nodulus.pipeline.statistics.estimate import Estimate

from .measures import BLOB_MM, FRACTIONS
from .methods import BALL, N_NOISY, N_STEPS, NOISE, OCCLUDED_MM, STEP_MM
from .random_weights import STAGE_NAMES
from .record import LEAST, MOST, Explanations, Method

LOCALISING = ("concentration", "pointing", "repeatability", "random weights")
DELETING = tuple(name for name in LEAST if name.startswith("over "))


MEANING = """
The mean margin of these nodules is {margin} logits; of a patch that shows nothing but air the network says {air:.2f}.
Where the nodule's ball is taken first, the margin {moves} by {ball} (mean over the part deleted). A nodule with a hole
in it is unlike all that the network was trained on, so taking tissue away is not the same as taking evidence away. Read
the deletion columns with that in mind, and the maps that start from air (occlusion, integrated gradients).

A map that misses concentration or pointing does not lie on the nodule; one that misses repeatability shows the click as
well as the nodule; one that misses random weights shows the picture and not the network; one that misses the ball or
brightness says no more than these two, which know no network.
"""

HOW = f"""
## How

Occlusion: cubes of about {OCCLUDED_MM:g} mm, {STEP_MM:g} mm apart, become air; a voxel has the mean fall of the cubes
that hold it. Integrated gradients: {N_STEPS} Gauss-Legendre steps from air, by Captum. SmoothGrad: {N_NOISY} copies
with noise of {NOISE:g} of the window, absolute values, by Captum. Grad-CAM and Grad-CAM++: MONAI's, not normalised,
upsampled with the outer features on the outer voxels. Deletion: {len(FRACTIONS) - 1} steps up to all that is shown.
Random maps: four a nodule of each kind; blobs are noise blurred by {BLOB_MM:g} mm. Repeatability: against the map of
the patch moved by 1 mm along each axis.
"""


def render(record: Explanations) -> str:
    """Return the page, Markdown."""
    methods = record.candidates | record.controls
    parts = [
        "# Which explanation of the score passes its test",
        _made(record),
        *_of_other_weights(record),
        "## Outcome",
        _outcome(record),
        "## Is the heat on the nodule, steady, and the network's own?",
        _table(methods, LOCALISING),
        "## Does the score fall when the heat is taken away?",
        _deletion_words(record),
        _table(methods, DELETING),
        "## What it means",
        _meaning(record),
        "## Weights made random from the top down",
        "Mean absolute rank correlation of the heat with that of the trained network; the last column is the one with a"
        " limit, of three seeds, the others are of one.",
        _cascade(methods),
        *(["## The score as a sum", _sum(record.additive)] if record.additive else []),
        HOW.strip(),
    ]
    return "\n\n".join(parts) + "\n"


def _made(record: Explanations) -> str:
    return (
        f"`{record.command}`, weights {record.weights_sha256[:12]}: {record.nodules} validation nodules of"
        f" {record.patients} patients with a reader's mask ({record.not_shown} left out, as no voxel of the mask is"
        f" shown), random weights on {record.random_nodules} of as many patients. What each measure is, its limit, and"
        " why these, stands in [the decision](../decisions/0025-explanations-pass-a-test-first.md), which was committed"
        " before the measurement. Brackets: 95 % bootstrap intervals of the patients; bold: the interval's worse end"
        " does not keep the limit."
    )


def _of_other_weights(record: Explanations) -> list[str]:
    """Return what there is to say where the weights that are shipped now are not those that were measured."""
    shipped = sha256_of(BUNDLE / WEIGHTS)
    if shipped == record.weights_sha256:
        return []
    return [
        f"**Not of the weights that are shipped now**, {shipped[:12]}: for them nothing here was measured again. That"
        " no heat map ships does not depend on it: none has passed. Whether one would is not known.",
    ]


def _outcome(record: Explanations) -> str:
    lines = ["| method | passes | misses |", "| --- | --- | --- |"]
    for name, method in (record.candidates | record.controls).items():
        passes = "no" if method.misses else "**yes**"
        lines.append(f"| {_titled(name, record)} | {passes} | {', '.join(method.misses) or 'nothing'} |")
    passed = f"Passes: {', '.join(record.passes)}." if record.passes else "**None passes.**"
    without = ", ".join(record.passes_but_deletion) or "none"
    return f"{passed} Leaving the deletion measures out, {without} would pass.\n\n" + "\n".join(lines)


def _titled(name: str, record: Explanations) -> str:
    return f"{name} (knows no network)" if name in record.controls else name


def _deletion_words(record: Explanations) -> str:
    return (
        "Fall of the margin in logits, mean over the part of the shown voxels that became air, less the fall in another"
        f" order. Random blobs alone make it fall by {record.fall_blobs}, random voxels by {record.fall_voxels}; the"
        f" mask holds {record.area_share} of the shown voxels."
    )


def _meaning(record: Explanations) -> str:
    fall = record.controls[BALL].fall
    ball = fall if fall.value > 0 else Estimate(-fall.value, -fall.high, -fall.low)
    moves = "falls" if fall.value > 0 else "rises"
    return MEANING.format(margin=record.margin, air=record.margin_of_air, moves=moves, ball=ball).strip()


def _table(methods: Mapping[str, Method], measures: tuple[str, ...]) -> str:
    heads = [f"{name}, {_limit(name)}" for name in measures]
    lines = ["| method | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(measures)]
    lines += [
        f"| {name} | " + " | ".join(_cell(method, measure) for measure in measures) + " |"
        for name, method in methods.items()
    ]
    return "\n".join(lines)


def _limit(measure: str) -> str:
    return f"> {LEAST[measure]:g}" if measure in LEAST else f"< {MOST[measure]:g}"


def _cell(method: Method, measure: str) -> str:
    figure = method.figures.get(measure)
    if figure is None:
        return ""
    return f"**{_short(figure)}**" if measure in method.misses else _short(figure)


def _sum(model: AdditiveModel) -> str:
    lines = [
        "What ships instead ([fields](../reference/results.md#scorepartsrecord)) explains"
        f" {model.explained} of the variance of the calibrated logit in validation patients that it was not fitted to."
        " Its terms, each on its own scale; one that hardly varies, as internal structure, has a large slope and small"
        " parts:",
        "",
        "| term | average | logits per unit |",
        "| --- | ---: | ---: |",
    ]
    lines += [f"| {name} | {term.average:.2f} | {term.slope:+.2f} |" for name, term in model.terms.items()]
    return "\n".join(lines)


def _short(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _cascade(methods: Mapping[str, Method]) -> str:
    lines = ["| method | " + " | ".join(STAGE_NAMES) + " |", "| --- |" + " ---: |" * len(STAGE_NAMES)]
    lines += [
        f"| {name} | " + " | ".join(f"{method.cascade[stage].value:.2f}" for stage in STAGE_NAMES) + " |"
        for name, method in methods.items()
    ]
    return "\n".join(lines)
