"""What a network begins with: random weights or those of another run, all of it to learn or its last stages only."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch

from nodulus.pipeline.bundle.folder import TRAINING_PATIENTS
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.training_patients import TrainingPatients, overlap, read_training_patients
from nodulus.pipeline.files import replacing_file
from nodulus.transforms.problems import UsageError

# Who trained the weights that a run began with, beside those that it makes.
INIT_PATIENTS = "init_patients.json"


def begin_network(
    network: torch.nn.Module, init: str | None, freeze_until: str | None, output_dir: str
) -> torch.nn.Module:
    """Return the network ready to train.

    Args:
        network: any; nothing is known of its stages but their names.
        init: a file of weights to begin with, a plain state dict; None leaves the network's own. Who trained them is
            noted in ``output_dir``, where a ``training_patients.json`` lies beside them: they trained the new ones too.
        freeze_until: the first stage that learns; those before it keep weights and statistics. None has all learn.
        output_dir: of the run.

    Raises:
        UsageError: ``init`` is no file, or the network has no such stage.
        InputRefusedError: ``untrusted_bundle``, where ``init`` holds something else than the network's weights.
    """
    if init is not None:
        path = Path(init)
        if not path.is_file():
            raise UsageError(f"Expected weights to begin with, found no file {path}")
        load_weights(network, path)
        _note_patients(path, Path(output_dir))
    if freeze_until is not None:
        _freeze(network, freeze_until)
    return network


def read_init_patients(output_dir: Path) -> TrainingPatients | None:
    """Return who trained the weights that a run began with; None where it began with none, or nobody knows.

    Raises:
        UsageError: the file of them holds something else.
    """
    path = output_dir / INIT_PATIENTS
    return read_training_patients(path) if path.is_file() else None


def check_validation(init: Path, data_list: DataListFile) -> None:
    """Refuse a list whose validation patients trained the weights that a run is to begin with: its AUC would flatter.

    Raises:
        UsageError: some did, or the file of them holds something else.
    """
    known = init.parent / TRAINING_PATIENTS.name
    if not known.is_file():
        return
    trained = overlap((item.patient_id for item in data_list.items("validation")), read_training_patients(known))
    if trained:
        raise UsageError(
            f"Expected validation patients that {init} was not trained on, got {len(trained)} in {data_list} that it "
            f"was, {trained[0]} for one"
        )


def _note_patients(init: Path, output_dir: Path) -> None:
    known = init.parent / TRAINING_PATIENTS.name
    if idist.get_rank() > 0 or not known.is_file():
        return
    output_dir.mkdir(parents=True, exist_ok=True)
    with replacing_file(output_dir / INIT_PATIENTS) as temporary:
        shutil.copyfile(known, temporary)


def _freeze(network: torch.nn.Module, until: str) -> None:
    stages = dict(network.named_children())
    if until not in stages:
        raise UsageError(f"Expected a stage of the network to freeze until, of {', '.join(stages)}, got {until}")
    for name, stage in stages.items():
        if name == until:
            return
        stage.requires_grad_(False)
        # A trainer calls train() on the whole network: batch norm of a frozen stage must not follow the new batches.
        stage.register_forward_pre_hook(_evaluate)


def _evaluate(stage: torch.nn.Module, _: Any) -> None:  # noqa: ANN401 - as torch calls it
    stage.eval()
