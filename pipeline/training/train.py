"""Trains a bundle's network on a data list, by the bundle's own train.json."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.bundle import ConfigParser, ConfigWorkflow

from nodulus.pipeline.bundle.run import Tell, tell_nobody
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.places import check_places
from nodulus.pipeline.files import check_output_dir
from nodulus.transforms.problems import UsageError, problem_codes, refusal_in

from .begin import INIT_PATIENTS, check_validation
from .handlers import read_checkpoint
from .settled import BEGUN_WITH, DATA_HASH, note_begin, resumed_begin, settle_data

WEIGHTS = "model.pt"
CHECKPOINT = "resume.pt"
LOG = "training_log.txt"
TENSORBOARD = "tensorboard"
# In the order in which they are looked at; some only where they were asked for.
FILES = (WEIGHTS, LOG, DATA_HASH, BEGUN_WITH, INIT_PATIENTS, CHECKPOINT, TENSORBOARD)


@dataclass(frozen=True)
class Progress:
    """How far a training run has come.

    Args:
        epoch: epochs done.
        iteration: batches done.
        best_metric: the best validation AUC so far.
        best_metric_epoch: the epoch that it was reached in, from 1.
    """

    epoch: int
    iteration: int
    best_metric: float
    best_metric_epoch: int


def train(
    data_list: Path,
    output_dir: Path,
    bundle_dir: Path,
    tell: Tell = tell_nobody,
    *,
    trust: bool = False,
    **overrides: Any,  # noqa: ANN401 - config values
) -> Path:
    """Train as ``configs/train.json`` says and return the path of the best weights.

    Args:
        data_list: JSON list of training and validation nodules.
        output_dir: receives ``model.pt``, ``training_log.txt``, ``resume.pt`` and ``data_hash.txt``; of a run that was
            begun with other weights, or freezes stages, also ``begun_with.json``.
        bundle_dir: the bundle.
        tell: is told how far the training is.
        trust: do without the bundle's audit.
        **overrides: values of the config to replace, by id: ``max_epochs=2``, ``**{"train::inferer": ...}``.

    Raises:
        UsageError: the list is bad, a split is empty or too small, an image is missing, the folder cannot be written,
            ``resume`` is asked for where there is no checkpoint or for a run that was begun with another list or
            otherwise, ``init`` was trained on patients of the validation split, or ``tensorboard`` is not installed.
        InputRefusedError: the audit refuses a part of the bundle (``untrusted_bundle``), an image cannot be read, or a
            nodule lies outside its image.
    """
    output_dir, listed = Path(output_dir), DataListFile.read(data_list)
    load_data_list(listed, "validation", only_labelled=True, both_classes=True)
    check_output_dir(output_dir)
    if overrides.get("resume") and not (output_dir / CHECKPOINT).is_file():
        raise UsageError(f"Expected the checkpoint of a run to resume, found no {output_dir / CHECKPOINT}")
    if overrides.get("tensorboard") and find_spec("tensorboard") is None:
        raise UsageError('Expected the package tensorboard, got none: pip install "nodulus[tensorboard]"')
    is_resumed = bool(overrides.get("resume"))
    if is_resumed:
        overrides |= resumed_begin(output_dir, overrides)
    if (init := overrides.get("init")) is not None:
        check_validation(Path(init), listed)
    workflow = make_workflow(bundle_dir, "train", listed, output_dir, trust=trust, **overrides)
    _check_first_batch(workflow.parser, listed)
    tell("checking the images", 0, 0)
    _check_places(workflow.parser, listed)
    settle_data(listed, output_dir, is_resumed=is_resumed)
    if not is_resumed:
        note_begin(output_dir, overrides)
    _run(workflow, tell)
    weights = output_dir / WEIGHTS
    if not weights.is_file():
        msg = f"Expected the run to write {weights}, found none: no epoch was validated"
        raise RuntimeError(msg)
    return weights


def read_progress(output_dir: Path) -> Progress | None:
    """Return how far the run in a folder has come, None without a checkpoint.

    Raises:
        UsageError: the checkpoint is cut short, or is none.
    """
    checkpoint = Path(output_dir) / CHECKPOINT
    if not checkpoint.is_file():
        return None
    return Progress(**read_checkpoint(checkpoint)["progress"])


def _check_first_batch(parser: ConfigParser, data_list: DataListFile) -> None:
    """Refuse fewer training nodules than a batch, where the config drops what does not fill one."""
    chances = parser.get_parsed_content("train#dataset#data#rating_chances", default=None)
    n_nodules = len(load_data_list(data_list, "training", rating_chances=chances))
    n_needed = parser.get_parsed_content("train#dataloader#batch_size", default=1)
    if parser.get_parsed_content("train#dataloader#drop_last", default=False) and n_nodules < n_needed:
        raise UsageError(f"Expected at least {n_needed} training nodules (one batch), got {n_nodules} in {data_list}")


def _check_places(parser: ConfigParser, data_list: DataListFile) -> None:
    """Refuse a list in which a nodule that would train or validate lies outside its image."""
    allow = problem_codes(parser.get_parsed_content("allow", default=[]))
    check_places((*data_list.items("training"), *data_list.items("validation")), data_list.folder, allow)


def _run(workflow: ConfigWorkflow, tell: Tell) -> None:
    workflow.initialize()
    tell("loading the nodules", 0, 0)
    try:
        trainer = workflow.parser.get_parsed_content("train#trainer")
    except RuntimeError as error:  # MONAI's, around what the network or a handler was refused for
        raise refusal_in(error) or error from error
    best = workflow.parser.get_parsed_content("validate#evaluator").state

    def tell_of_epoch(engine: Engine) -> None:
        so_far = f", best validation AUC {best.best_metric:.3f}" if best.best_metric_epoch > 0 else ""
        tell(f"training{so_far}, epoch", engine.state.epoch, engine.state.max_epochs or 0)

    trainer.add_event_handler(Events.STARTED | Events.EPOCH_COMPLETED, tell_of_epoch)
    workflow.run()
    workflow.finalize()
