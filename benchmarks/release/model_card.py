"""Writes the model card, its details and the bundle's page: what the weights are and are worth, where they fail.

python -m benchmarks.release.model_card
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from matplotlib.figure import Figure
from monai.bundle import ConfigParser

from benchmarks.ceiling.words import ceiling_in_words, figures_in_brief, others_in_words
from benchmarks.lidc.groups import SIZE_MATCHED
from benchmarks.places import BUNDLE, DOCS
from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.data.lidc import HELD_OUT
from nodulus.pipeline.evaluation.pathology_words import pathology_in_short, pathology_sentences
from nodulus.pipeline.evaluation.plots import draw_calibration, draw_roc, draw_sizes, group_title
from nodulus.pipeline.evaluation.record import DIAMETER, DIAMETER_BOX, NETWORK, SIZE_ONLY, Evaluation
from nodulus.pipeline.files import replacing_file, write_text
from nodulus.pipeline.pages.environment import page_environment
from nodulus.pipeline.pictures.plot_style import as_png
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, OUTPUTS
from nodulus.pipeline.statistics.calibration_metrics import CalibrationReport
from nodulus.transforms.problems import InputRefusedError, UsageError

from .model_card_sources import Sources, read_sources
from .model_card_words import (
    calibration_in_words,
    compared,
    goals_in_words,
    is_nodules,
    place_title,
    score_title,
    signed,
    standing,
    weakest,
    worth_reading,
)

TEMPLATES = Path(__file__).parent / "templates"
START, END = "<!-- figures: written by make model-card -->", "<!-- end of figures -->"
IMAGES = "images"  # beside the card
PLOT_INCHES = (4.4, 3.6)  # keeps a plot below 60 KB
OURS = (NETWORK, DIAMETER_BOX, SIZE_ONLY, DIAMETER)  # the plots know these by name


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, the README's figures and the plots; return 0, or 2 where a record is missing or does not fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.release.model_card", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="its records are read, its docs/README.md written")
    parser.add_argument(
        "--docs",
        type=Path,
        default=DOCS,
        help="receives the card, its details and images/; the README.md beside it receives the figures",
    )
    options = parser.parse_args(arguments)
    try:
        sources = read_sources(options.bundle)
        pages = render(sources, count_weights(options.bundle))
        write_text(options.docs / "model-card.md", pages["model-card.md"])
        write_text(options.docs / "records" / "model-details.md", pages["model-details.md"])
        write_text(options.bundle / "docs" / "README.md", pages["bundle-readme.md"])
        readme = options.docs.parent / "README.md"
        if readme.is_file():
            write_text(readme, put_figures(readme.read_text(encoding="utf-8"), pages["readme-figures.md"]))
        for name, figure in draw(sources).items():
            with replacing_file(options.docs / IMAGES / name) as file:
                file.write_bytes(as_png(figure))
    except (UsageError, InputRefusedError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command line's one line
        return 2
    return 0


def render(sources: Sources, n_weights: int) -> dict[str, str]:
    """Return the card, its details and the bundle's page as Markdown, by the name of their template.

    Args:
        sources: all records.
        n_weights: of the network.
    """
    shown = sources.out_of_fold or sources.validation
    environment = _environment()
    environment.globals |= {
        "s": sources,
        "n_weights": n_weights,
        "outputs": OUTPUTS,
        "characteristics": CHARACTERISTICS,
        "held_out": HELD_OUT,
        "images": IMAGES,
        "size_matched": SIZE_MATCHED,
        "others": others_in_words(),
        "ceiling": ceiling_in_words(),
        "brief": figures_in_brief(),
        "weak": weakest(sources.flags.groups),
        "shown_calibration": shown.calibration["network"],
        "where": _where(sources),
    }
    names = ("model-card.md", "model-details.md", "bundle-readme.md", "readme-figures.md")
    return {name: _tidy(environment.get_template(f"{name}.j2").render()) for name in names}


def put_figures(page: str, figures: str) -> str:
    """Return a page with the text between its markers replaced."""
    if START not in page or END not in page:
        raise UsageError("Expected the markers of the figures in the README, got none")
    before, rest = page.split(START, 1)
    return f"{before}{START}\n\n{figures}\n{END}{rest.split(END, 1)[1]}"


def draw(sources: Sources) -> Mapping[str, Figure]:
    """Return the card's plots by file name; none where no network was trained out of fold."""
    if sources.out_of_fold is None:
        return {}
    found = _titled(sources.out_of_fold)
    figures = {
        "model-card-roc.png": draw_roc(found),
        "model-card-calibration.png": draw_calibration(found),
        "model-card-sizes.png": draw_sizes(found.sizes),
    }
    for figure in figures.values():
        figure.set_size_inches(*PLOT_INCHES)
        figure.patch.set_alpha(1)  # dark ink needs white paper on a dark page too
    return figures


def count_weights(bundle: Path) -> int:
    """Return how many numbers the bundle's network learns."""
    parser = ConfigParser()
    parser.read_config(str(bundle / INFERENCE_CONFIG))
    return sum(each.numel() for each in parser.get_parsed_content("network_def").parameters())


def _environment() -> Environment:
    environment = page_environment(TEMPLATES, is_html=False)
    environment.filters |= {
        "calibration": calibration_in_words,
        "calibration_cells": _calibration_cells,
        "compared": compared,
        "goals": goals_in_words,
        "group": group_title,
        "percent": lambda share: f"{100 * share:.1f} %",
        "place": place_title,
        "score": score_title,
        "sentences": pathology_sentences,
        "in_short": pathology_in_short,
        "signed": signed,
        "standing": standing,
    }
    environment.tests |= {"nodules": is_nodules, "worth_reading": worth_reading}
    return environment


def _where(sources: Sources) -> str:
    if sources.out_of_fold is not None:
        return "out-of-fold scores of the first full repeat"
    return "the validation patients, which also chose the epoch and the calibration"


def _calibration_cells(report: CalibrationReport) -> str:
    slope: Any = report.slope or "none finite"
    return " | ".join(map(str, (report.ece, f"{report.expected_ece:.3f}", report.brier, slope, report.intercept)))


def _titled(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation with the baselines called in its curves as they are in the text."""
    curves = {name if name in OURS else score_title(name): curve for name, curve in evaluation.curves_roc.items()}
    return evaluation.model_copy(update={"curves_roc": curves})


def _tidy(page: str) -> str:
    """Return a page without the empty lines that a template's blocks leave."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", page, flags=re.MULTILINE)).strip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
