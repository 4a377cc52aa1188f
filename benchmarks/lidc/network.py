"""The bundle's network, trained on one fold and asked about its test nodules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.evaluation.predictions import Prediction, prediction_of
from nodulus.pipeline.readout.collect_outputs import CollectOutputs
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.train import CHECKPOINT, train


def train_and_score(data_list: Path, folder: Path, bundle: Path, overrides: Mapping[str, Any]) -> list[Prediction]:
    """Train on a fold, calibrate on its validation patients, and return what is said of its test nodules.

    Args:
        data_list: of the fold.
        folder: receives weights and calibration; a run that broke off there goes on from its checkpoint.
        bundle: the bundle whose ``train.json`` and ``evaluate.json`` say how.
        overrides: values of ``train.json`` to replace, by id.
    """
    resume = (folder / CHECKPOINT).is_file()
    weights = train(data_list, folder, bundle, **{**overrides, "resume": resume})
    return score(data_list, weights, bundle, overrides)


def score(data_list: Path, weights: Path, bundle: Path, overrides: Mapping[str, Any]) -> list[Prediction]:
    """Calibrate weights on a fold's validation patients, and return what is said of its test nodules.

    Args:
        data_list: of the fold.
        weights: receive their calibration beside them.
        bundle: the bundle whose ``evaluate.json`` says how.
        overrides: those of the training, of which the device counts here, too.
    """
    where = {key: value for key, value in overrides.items() if key == "device"}
    calibration = calibrate(data_list, weights, bundle, **where)
    collected = CollectOutputs()
    given: dict[str, Any] = {"split": "test", "weights": str(weights), "calibration": str(calibration)}
    workflow = make_workflow(bundle, "evaluate", data_list, weights.parent, report=collected, **given, **where)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    items = read_data_list(data_list).test
    return [prediction_of(item, collected.outputs[item.nodule_id], data_list.parent) for item in items]
