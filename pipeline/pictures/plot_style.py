"""How plots look and reach a page: quiet, safe for the colour-blind, light or dark as the page is."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

LegendPlace = Literal["upper left", "upper center", "upper right", "lower left", "lower right"]


@dataclass(frozen=True)
class Tone:
    """One colour as it is on light and on dark paper."""

    light: str
    dark: str


# The one table of colours, for plots, tables and pictures of a page: a name says what the colour means, and no two mean
# the same. The scores' are Okabe and Ito's, told apart by every kind of colour vision; dashes tell them apart in print.
PALETTE: Mapping[str, Tone] = {
    "paper": Tone("#fdfdfe", "#14181e"),
    "panel": Tone("#f3f5f8", "#1c222b"),
    "ink": Tone("#1b222c", "#e6eaf0"),
    "muted": Tone("#5d6875", "#9aa6b5"),
    "rule": Tone("#d9dee5", "#313a46"),
    "network": Tone("#0072b2", "#5bb0e8"),
    "size": Tone("#d55e00", "#ff9650"),
    "malignant": Tone("#b5508f", "#e5a3c8"),
    "benign": Tone("#009e73", "#3fd0a4"),
    "baseline-1": Tone("#8a6d00", "#d6b94a"),
    "baseline-2": Tone("#6a51a3", "#b9a8f0"),
    "baseline-3": Tone("#7a7a7a", "#a9a9a9"),
    "baseline-4": Tone("#8c564b", "#d1a393"),
    "baseline-5": Tone("#2f7f8f", "#7cc5d3"),
    "note": Tone("#fff6e0", "#2e2613"),
    "note-edge": Tone("#c98a00", "#d9a441"),
    "alarm": Tone("#fdecea", "#361a1a"),
    "alarm-edge": Tone("#b3261e", "#f2807a"),
}
INK, MUTED, RULE, PAPER = (PALETTE[name].light for name in ("ink", "muted", "rule", "paper"))
NETWORK_COLOUR, SIZE_COLOUR = PALETTE["network"].light, PALETTE["size"].light
MALIGNANT_COLOUR, BENIGN_COLOUR = PALETTE["malignant"].light, PALETTE["benign"].light
BASELINE_COLOURS = tuple(tone.light for name, tone in PALETTE.items() if name.startswith("baseline"))
DASHES = ((4.0, 1.6), (1.2, 1.4), (6.0, 1.6, 1.2, 1.6), (2.4, 1.2), (8.0, 2.0))
_NO_METADATA: Mapping[str, str | None] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def new_axes(width_inches: float = 4.6, height_inches: float = 3.8) -> tuple[Figure, Axes]:
    """Return an empty figure, and its axes without a box around them.

    It is so small that its text of 9 points stays readable where a page is as narrow as a telephone.
    """
    figure = Figure(figsize=(width_inches, height_inches), dpi=150, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(MUTED)
        spine.set_linewidth(0.8)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9, length=3, width=0.8)
    axes.grid(visible=True, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def name_axes(axes: Axes, across: str, up: str) -> None:
    """Write what the two axes show."""
    axes.set_xlabel(across, color=INK, fontsize=9.5)
    axes.set_ylabel(up, color=INK, fontsize=9.5)


def add_legend(axes: Axes, where: LegendPlace) -> None:
    """Name the lines; the names may be a user's, so nothing in them is read as mathematics."""
    legend = axes.legend(loc=where, frameon=False, fontsize=9, labelcolor=INK, handlelength=2.6)
    for text in legend.get_texts():
        text.set_parse_math(False)


def styles(names: Sequence[str], main: str, size: Sequence[str]) -> dict[str, dict[str, object]]:
    """Return how each score's line is drawn: the main one bold, those of size, the rest thin and dashed."""
    others = [name for name in names if name != main and name not in size]
    drawn: dict[str, dict[str, object]] = {}
    for name in names:
        if name == main:
            drawn[name] = {"color": NETWORK_COLOUR, "linewidth": 2.2, "zorder": 5}
        elif name in size:
            drawn[name] = {"color": SIZE_COLOUR, "linewidth": 1.6, "zorder": 4}
        else:
            turn = others.index(name) % len(BASELINE_COLOURS)
            drawn[name] = {"color": BASELINE_COLOURS[turn], "linewidth": 1.2, "dashes": DASHES[turn], "zorder": 3}
    return drawn


def as_png(figure: Figure) -> bytes:
    """Return the figure as a PNG on white, for papers and model cards."""
    picture = io.BytesIO()
    figure.patch.set_alpha(1)  # the page's own colour shines through an SVG; dark ink on a dark page is lost
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names may be in any script
        FigureCanvasAgg(figure).print_figure(picture, format="png", facecolor="#ffffff")
    return picture.getvalue()


def as_svg(figure: Figure, name: str, description: str) -> str:
    """Return the figure as an SVG element for a page: its colours are the page's, its text is text.

    Args:
        figure: drawn with the colours of this module.
        name: unique on the page.
        description: what the plot shows, for those who do not see it.
    """
    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        FigureCanvasSVG(figure).print_figure(text, format="svg", metadata=_NO_METADATA)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # every figure has the same ones
    svg = re.sub(r"(<svg[^>]*?) (?:width|height)=\"[^\"]*\"", r"\1", svg)
    svg = re.sub(r"(<svg[^>]*?) (?:width|height)=\"[^\"]*\"", r"\1", svg)
    for name, tone in PALETTE.items():
        svg = svg.replace(tone.light, f"var(--{name}, {tone.light})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1).rstrip()
