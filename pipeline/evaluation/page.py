"""The page that an evaluation is read on: one HTML file that asks nothing of the network and runs no script."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from nodulus.pipeline.pictures.plot_style import as_svg
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.strata import too_few

from .page_environment import fixed, page_environment
from .pictures import SCALE_BAR_MM
from .plots import (
    draw_calibration,
    draw_decision_curve,
    draw_histogram,
    draw_precision_recall,
    draw_roc,
    draw_sizes,
    draw_subgroups,
    title_of,
)
from .record import DIAMETER, NETWORK, Evaluation, HardCase

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Picture:
    """What a nodule looks like, as PNG, or why there is no picture of it."""

    png: bytes | None
    why_not: str = ""


@dataclass(frozen=True)
class _Plot:
    title: str
    svg: Markup
    caption: str
    is_wide: bool


@dataclass(frozen=True)
class _Case:
    record: HardCase
    data_uri: str
    why_not: str


def render_page(evaluation: Evaluation, pictures: Mapping[str, Picture]) -> str:
    """Return the page as HTML.

    Args:
        evaluation: what metrics.json holds.
        pictures: of the hardest cases, by nodule id.
    """
    environment = page_environment(TEMPLATES, is_html=True)
    environment.filters |= {
        "interval": _interval,
        "signed": _signed,
        "signed_interval": _signed_interval,
        "p_value": _p_value,
        "score": title_of,
    }
    return environment.get_template("evaluation.html.j2").render(
        e=evaluation,
        verdict=verdict(evaluation),
        labels_are_opinion=bool(evaluation.label_rules),
        plots=_plots(evaluation),
        subgroups={of: list(groups) for of, groups in groupby(evaluation.subgroups, key=lambda group: group.of)},
        cases=[_case(record, pictures) for record in evaluation.hardest],
        scale_bar_mm=SCALE_BAR_MM,
    )


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
        f"The network reaches an AUC of {fixed(network.auc.value)} ({_interval(network.auc)}) where the diameter alone"
        f" reaches {fixed(diameter.auc.value)} ({_interval(diameter.auc)}). On the same nodules that is a gain of"
        f" {_signed(gain.value)} ({_signed_interval(gain)}): {meaning}."
    )


def _plots(evaluation: Evaluation) -> list[_Plot]:
    """Return the plots with their titles and captions, in the order of the page."""
    drawn = (
        (
            "Receiver operating characteristic",
            draw_roc(evaluation),
            "AUC in the legend; the band holds 95 % of patient resamples.",
        ),
        (
            "Precision and recall",
            draw_precision_recall(evaluation),
            "Average precision in the legend; dotted, what chance gives.",
        ),
        (
            "Calibration",
            draw_calibration(evaluation),
            "Bins of equally many nodules with Wilson intervals; on the dotted line a probability means what it says.",
        ),
        (
            "Decision curve",
            draw_decision_curve(evaluation.decision_curve),
            "Useful where it lies above acting on all and on none.",
        ),
        ("By size", draw_sizes(evaluation.sizes), "AUC within nodules of like diameter, with 95 % intervals."),
        (
            "Probabilities given",
            draw_histogram(evaluation.histogram),
            "Nodules labelled malignant above the line, benign below.",
        ),
        (
            "Subgroups",
            draw_subgroups(evaluation),
            "Groups too small to tell are in the table below; dotted, all nodules.",
        ),
    )
    return [
        _Plot(title, Markup(as_svg(figure, f"plot{number}", f"{title}. {caption}")), caption, title == "Subgroups")
        for number, (title, figure, caption) in enumerate(drawn)
    ]


def _case(record: HardCase, pictures: Mapping[str, Picture]) -> _Case:
    picture = pictures.get(record.nodule_id, Picture(None, "none was asked for"))
    if picture.png is None:
        return _Case(record, "", picture.why_not)
    return _Case(record, f"data:image/png;base64,{base64.b64encode(picture.png).decode()}", "")


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{fixed(estimate.low, digits)} to {fixed(estimate.high, digits)}"


def _signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _signed_interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{_signed(estimate.low, digits)} to {_signed(estimate.high, digits)}"


def _p_value(value: float | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
