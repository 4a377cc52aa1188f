"""The out-of-fold predictions of a whole repeat, evaluated as those of any data list are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from nodulus import __version__
from nodulus.pipeline.evaluation.predictions import Prediction

from .baselines import BASELINES
from .fold_run import PREDICTIONS, FoldRun
from .folds import PUBLISHED
from .prediction_files import load_predictions
from .record import Benchmark
from .scores import FoldScores

# `nodulus evaluate` itself puts the diameter beside every score.
BESIDE = tuple(name for name in (*BASELINES, *PUBLISHED) if name != "diameter")


def write_out_of_fold(
    benchmark: Benchmark, folds: Sequence[FoldScores], crops: Path, out: Path, diagnosis: Path | None = None
) -> Path | None:
    """Evaluate the first full repeat into a folder and return it; None where no repeat is full or has networks.

    The scores are those of one network a fold, of the first seed.

    Args:
        benchmark: that the repeat is of.
        folds: all scores.
        crops: folder of LIDC-IDRI crops, for the pictures.
        out: output folder of the benchmark.
        diagnosis: CSV of ``patient_id,diagnosis``, for the check against pathology.
    """
    full = [repeat.rep for repeat in benchmark.repeats if repeat.is_full]
    if not full or benchmark.networks is None:
        return None
    # Loaded late: a benchmark without networks need not wait for the plots.
    from nodulus.pipeline.evaluation.record import Context
    from nodulus.pipeline.evaluation.report import write_report

    rep, seed = full[0], benchmark.networks.seeds[0]
    predictions = [each for fold in folds if fold.key.rep == rep for each in _predictions_of(fold, seed, crops, out)]
    context = Context(
        title=f"Out of fold, published repeat {rep}",
        data=f"LIDC-IDRI nodules of the published benchmark, repeat {rep}, each scored by the network of its fold",
        split="test of every fold",
        label="median of the radiologists' malignancy ratings (below 3: benign, above: malignant), not pathology",
        overlap="No patient trained or validated the network that scored their nodules.",
        overlapping_patients=0,
        n_resamples=benchmark.n_resamples,
        seed=benchmark.bootstrap_seed,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        software=f"nodulus {__version__}",
    )
    folder = out / "report"
    write_report(predictions, folder, context, diagnosis=diagnosis)
    return folder


def _predictions_of(fold: FoldScores, seed: int, crops: Path, out: Path) -> list[Prediction]:
    """Return the predictions of a fold's nodules, with the scores of others beside and their images as they lie now."""
    stored = load_predictions(FoldRun(fold.key, seed).folder(out) / PREDICTIONS)
    column = {item.nodule_id: index for index, item in enumerate(fold.nodules)}
    return [
        replace(
            each,
            attributes={**each.attributes, "image": str(crops / "images" / f"{each.nodule_id}.nii.gz")},
            baselines={name: float(fold.scores[name][0, column[each.nodule_id]]) for name in BESIDE},
        )
        for each in stored
    ]
