"""Writes an evaluation: metrics.json for programs, nodules.csv for tables, report.html for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodulus.pipeline.files import write_text
from nodulus.pipeline.pages.one_page import METRICS, PAGE

from .metrics import evaluate_predictions, hardest
from .page import Picture, render_page
from .pathology_check import check_pathology, read_diagnoses
from .pictures import try_picture_of
from .predictions import Prediction, write_predictions
from .record import Context, write_evaluation

NODULES = "nodules.csv"
# In the order in which they are looked at.
FILES = (PAGE, METRICS, NODULES)


def write_report(
    predictions: Sequence[Prediction], output_dir: Path, context: Context, *, diagnosis: Path | None = None
) -> dict[str, Path]:
    """Write the three files and return their paths by name of the file.

    Args:
        predictions: one a nodule, undecided ones included; ``attributes["image"]`` a path that exists, for pictures.
        output_dir: made where it is not there.
        context: of what the predictions are.
        diagnosis: CSV of ``patient_id,diagnosis``, for the check against pathology.

    Raises:
        UsageError: a class has fewer than two labelled nodules, a nodule stands in the list twice, or the table of
            diagnoses is bad.
    """
    pathology = None
    if diagnosis is not None:
        pathology = check_pathology(predictions, read_diagnoses(diagnosis), context)
    evaluation = evaluate_predictions(predictions, context, pathology)
    pictures = {prediction.nodule_id: Picture(*try_picture_of(prediction)) for prediction in hardest(predictions)}
    page = render_page(evaluation, pictures)
    return {
        METRICS: write_evaluation(evaluation, output_dir / METRICS),
        NODULES: write_predictions(predictions, output_dir / NODULES),
        PAGE: write_text(output_dir / PAGE, page),
    }
