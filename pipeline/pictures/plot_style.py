"""How plots look and reach a page: quiet, safe for the colour-blind, light or dark as the page is."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

LegendPlace = Literal["upper left", "upper center", "upper right", "lower left", "lower right"]

INK, MUTED, GRID, PAPER = "#1b222c", "#5d6875", "#d9dee5", "#fdfdfe"
# Okabe and Ito's colours, told apart by every kind of colour vision; dashes tell them apart in print.
MAIN, SIZE = "#0072b2", "#d55e00"
OTHERS = ("#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7a7a7a")
DASHES = ((4.0, 1.6), (1.2, 1.4), (6.0, 1.6, 1.2, 1.6), (2.4, 1.2), (8.0, 2.0))
MALIGNANT, BENIGN = "#d55e00", "#0072b2"

# The page's style sheet gives each colour a light and a dark value under these names.
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--rule",
    PAPER: "--paper",
    MAIN: "--blue",
    SIZE: "--orange",
    OTHERS[0]: "--green",
    OTHERS[1]: "--pink",
    OTHERS[2]: "--olive",
    OTHERS[3]: "--sky",
    OTHERS[4]: "--grey",
}
_NO_METADATA: Mapping[str, str | None] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def new_axes(width_inches: float = 5.2, height_inches: float = 4.2) -> tuple[Figure, Axes]:
    """Return an empty figure, and its axes without a box around them."""
    figure = Figure(figsize=(width_inches, height_inches), dpi=150, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(MUTED)
        spine.set_linewidth(0.8)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9, length=3, width=0.8)
    axes.grid(visible=True, color=GRID, linewidth=0.6)
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
    """Return how each score's line is drawn: the main one bold, those of size orange, the rest thin and dashed."""
    others = [name for name in names if name != main and name not in size]
    drawn: dict[str, dict[str, object]] = {}
    for name in names:
        if name == main:
            drawn[name] = {"color": MAIN, "linewidth": 2.2, "zorder": 5}
        elif name in size:
            drawn[name] = {"color": SIZE, "linewidth": 1.6, "zorder": 4}
        else:
            turn = others.index(name) % len(OTHERS)
            drawn[name] = {"color": OTHERS[turn], "linewidth": 1.2, "dashes": DASHES[turn], "zorder": 3}
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
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable}, {colour})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1).rstrip()
