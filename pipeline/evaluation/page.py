"""The page that an evaluation is read on: one HTML file that asks nothing of the network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from nodulus.pipeline.pages.environment import page_environment
from nodulus.pipeline.pages.policy import data_uri
from nodulus.pipeline.pictures.plot_style import PALETTE, as_svg
from nodulus.pipeline.readout.prior_shift import percent

from .pathology_words import pathology_sentences
from .pictures import SCALE_BAR_MM
from .plots import (
    draw_calibration,
    draw_decision_curve,
    draw_histogram,
    draw_precision_recall,
    draw_roc,
    draw_sizes,
    draw_subgroups,
    group_title,
    title_of,
)
from .record import DIAMETER, DIAMETER_BOX, NETWORK, SIZE_ONLY, AtPrevalence, Evaluation, HardCase
from .words import interval, p_value, signed, signed_interval, verdict

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
        "interval": interval,
        "signed": signed,
        "signed_interval": signed_interval,
        "p_value": p_value,
        "colour": _colour_of,
        "group": group_title,
        "score": title_of,
        "share": percent,
        "sentences": pathology_sentences,
    }
    *plots, subgroup_plot = _plots(evaluation)
    elsewhere = evaluation.at_prevalence
    return environment.get_template("evaluation.html.j2").render(
        e=evaluation,
        palette=PALETTE,
        verdict=verdict(evaluation),
        labels_are_opinion=bool(evaluation.label_rules),
        plots=plots,
        subgroup_plot=subgroup_plot,
        prevalence_plot=None if elsewhere is None else _prevalence_plot(elsewhere),
        subgroups={of: list(groups) for of, groups in groupby(evaluation.subgroups, key=lambda group: group.of)},
        cases=[_case(record, pictures) for record in evaluation.hardest],
        scale_bar_mm=SCALE_BAR_MM,
    )


def _plots(evaluation: Evaluation) -> list[_Plot]:
    """Return the plots with their titles and captions, in the order of the page; that of subgroups is the last."""
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
            "AUC with 95 % intervals; dotted, that of all nodules. Groups too small to tell are in the table alone.",
        ),
    )
    return [
        _Plot(title, Markup(as_svg(figure, f"plot{number}", f"{title}. {caption}")), caption)
        for number, (title, figure, caption) in enumerate(drawn)
    ]


def _prevalence_plot(elsewhere: AtPrevalence) -> _Plot:
    title = f"Decision curve at a prevalence of {percent(elsewhere.shift.asked)}"
    caption = "Useful where it lies above acting on all and on none; both classes weigh as they would there."
    figure = draw_decision_curve(elsewhere.decision_curve)
    return _Plot(title, Markup(as_svg(figure, "plot-prevalence", f"{title}. {caption}")), caption)


def _colour_of(score: str) -> str:
    """Return the name of a score's colour, empty where it has none of its own."""
    return {NETWORK: "network", DIAMETER_BOX: "network", SIZE_ONLY: "size", DIAMETER: "size"}.get(score, "")


def _case(record: HardCase, pictures: Mapping[str, Picture]) -> _Case:
    picture = pictures.get(record.nodule_id, Picture(None, "none was asked for"))
    if picture.png is None:
        return _Case(record, "", picture.why_not)
    return _Case(record, data_uri(picture.png, "image/png"), "")
