"""Renders docs/records/explanations.md from the record: every number on the page is the record's."""

from __future__ import annotations

from collections.abc import Mapping

from nodulus.pipeline.statistics.estimate import Estimate

from .random_weights import STAGE_NAMES
from .record import LEAST, MOST, Explanations, Method

LOCALISING = ("concentration", "pointing", "repeatability", "random weights")
DELETING = tuple(name for name in LEAST if name.startswith("over "))


def render(record: Explanations) -> str:
    """Return the page, Markdown."""
    methods = record.candidates | record.controls
    parts = [
        "# Which explanation of the score passes its test",
        _made(record),
        "## Outcome",
        _outcome(record),
        "## Is the heat on the nodule, steady, and the network's own?",
        _table(methods, LOCALISING),
        "## Does the score fall when the heat is taken away?",
        _deletion_words(record),
        _table(methods, DELETING),
        "## Weights made random from the top down",
        "Mean absolute rank correlation of the heat with that of the trained network; the last column is the one with a"
        " limit, of three seeds, the others are of one.",
        _cascade(methods),
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


def _outcome(record: Explanations) -> str:
    lines = ["| method | passes | misses |", "| --- | --- | --- |"]
    for name, method in (record.candidates | record.controls).items():
        passes = "no" if method.misses else "**yes**"
        lines.append(f"| {_titled(name, record)} | {passes} | {', '.join(method.misses) or 'nothing'} |")
    passed = f"Passes: {', '.join(record.passes)}." if record.passes else "**None passes.**"
    return f"{passed}\n\n" + "\n".join(lines)


def _titled(name: str, record: Explanations) -> str:
    return f"{name} (knows no network)" if name in record.controls else name


def _deletion_words(record: Explanations) -> str:
    return (
        "Fall of the margin in logits, mean over the part of the shown voxels that became air, less the fall in another"
        f" order. Random blobs alone make it fall by {record.fall_blobs}, random voxels by {record.fall_voxels}; the"
        f" mask holds {record.area_share} of the shown voxels."
    )


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


def _short(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _cascade(methods: Mapping[str, Method]) -> str:
    lines = ["| method | " + " | ".join(STAGE_NAMES) + " |", "| --- |" + " ---: |" * len(STAGE_NAMES)]
    lines += [
        f"| {name} | " + " | ".join(f"{method.cascade[stage].value:.2f}" for stage in STAGE_NAMES) + " |"
        for name, method in methods.items()
    ]
    return "\n".join(lines)
