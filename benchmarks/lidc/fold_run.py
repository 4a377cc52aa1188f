"""One fold, one seed: trained and scored in this process, and left in a folder that says with which settings."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.files import write_text
from nodulus.transforms.problems import UsageError

from .folds import FoldKey, point_to_crops, read_published, write_fold
from .prediction_files import save_predictions
from .recipe import train_recipe_sha256

SETTINGS, MACHINE, PREDICTIONS = "settings.json", "machine.txt", "predictions.json"
_FOLDER = re.compile(r"rep(\d+)_fold(\d+)_seed(\d+)")


@dataclass(frozen=True)
class FoldRun:
    """One network to train: on which published fold, from which seed.

    Args:
        key: the fold.
        seed: of weights, shuffling and augmentation.
    """

    key: FoldKey
    seed: int

    def __str__(self) -> str:
        return f"{self.key}_seed{self.seed}"

    def folder(self, out: Path) -> Path:
        """Return the folder of the run."""
        return out / str(self)

    def is_finished(self, out: Path) -> bool:
        """Return whether its predictions are there."""
        return (self.folder(out) / PREDICTIONS).is_file()


@dataclass(frozen=True)
class TrainingOptions:
    """How the networks of a benchmark are trained, apart from the fold and the seed.

    Args:
        bundle: the bundle whose ``train.json`` is followed.
        epochs: at most; None for the config's own number.
        device: ``auto`` for the config's own choice, else a torch device.
        views: of each nodule, drawn once for all networks (``train_on_views``); None draws new ones in every epoch.
    """

    bundle: Path
    epochs: int | None = None
    device: str = "auto"
    views: int | None = None

    def overrides(self, seed: int) -> dict[str, Any]:
        """Return the values of the config that are replaced."""
        values: dict[str, Any] = {"seed": seed}
        if self.epochs is not None:
            values["max_epochs"] = self.epochs
        if self.device != "auto":
            values["device"] = f"$torch.device('{self.device}')"
        return values


@dataclass(frozen=True)
class Settings:
    """What the predictions of a run depend on: runs that differ in it (but for fold and seed) are not put together."""

    seed: int
    epochs: int | None
    train_recipe_sha256: str
    data_hash: str
    views: int | None = None


def pending(runs: Sequence[FoldRun], crops: Path, out: Path, options: TrainingOptions) -> list[FoldRun]:
    """Return the runs that are not finished, having written the data lists and settings of all.

    Raises:
        UsageError: one was begun, or finished, with other settings.
    """
    for run in runs:
        prepare_run(run, crops, out, options)
    return [run for run in runs if not run.is_finished(out)]


def prepare_run(run: FoldRun, crops: Path, out: Path, options: TrainingOptions) -> Path:
    """Write a run's settings, and its fold's data list unless it is there; return the list's path.

    Raises:
        UsageError: the run's folder holds one of other settings.
    """
    data_list = list_path(out, run.key)
    if not data_list.is_file():
        write_fold(crops, data_list, run.key, read_published(crops))
    point_to_crops(data_list, crops)
    _settle(run.folder(out), settings_of(run, data_list, options))
    return data_list


def run_fold(run: FoldRun, crops: Path, out: Path, options: TrainingOptions) -> Path:
    """Train and score one fold, resuming where a run of the same settings broke off; return the predictions' file.

    Raises:
        UsageError: its folder holds a run of other settings.
    """
    folder = run.folder(out)
    data_list = prepare_run(run, crops, out, options)
    if run.is_finished(out):
        return folder / PREDICTIONS
    # Loaded late: comparing needs no torch.
    from . import network

    overrides = options.overrides(run.seed)
    if options.views is None:
        predictions = network.train_and_score(data_list, folder, options.bundle, overrides)
    else:
        from benchmarks.readouts.side_by_side import write_everything

        from .on_views import train_on_views

        write_everything(crops, out)
        weights = train_on_views(data_list, folder, options.bundle, options.views, run.seed, options.epochs)
        predictions = network.score(data_list, weights, options.bundle, overrides)
    write_text(folder / MACHINE, f"{_machine(options)}\n")
    return save_predictions(predictions, folder / PREDICTIONS)


def list_path(out: Path, key: FoldKey) -> Path:
    """Return where the data list of a fold lies."""
    return out / f"{key}.json"


def settings_of(run: FoldRun, data_list: Path, options: TrainingOptions) -> Settings:
    """Return the settings that a run would have now.

    Raises:
        UsageError: the bundle has no ``train.json``.
    """
    config = options.bundle / "configs" / "train.json"
    if not config.is_file():
        raise UsageError(f"Expected a bundle that can be trained, found no {config}")
    return Settings(
        seed=run.seed,
        epochs=options.epochs,
        train_recipe_sha256=train_recipe_sha256(config),
        data_hash=read_data_list(data_list).data_hash or "",
        views=options.views,
    )


def read_settings(run: FoldRun, out: Path) -> Settings:
    """Return the settings that a run had."""
    return Settings(**json.loads((run.folder(out) / SETTINGS).read_text(encoding="utf-8")))


def read_machine(run: FoldRun, out: Path) -> str:
    """Return what a finished run was trained with: versions and device."""
    return (run.folder(out) / MACHINE).read_text(encoding="utf-8").strip()


def finished_runs(out: Path) -> list[FoldRun]:
    """Return the finished runs of an output folder, in order of repeat, fold and seed."""
    found = [_FOLDER.fullmatch(path.parent.name) for path in out.glob(f"*/{PREDICTIONS}")]
    numbers = sorted(tuple(map(int, match.groups())) for match in found if match)
    return [FoldRun(FoldKey(rep, fold), seed) for rep, fold, seed in numbers]


def _settle(folder: Path, settings: Settings) -> None:
    """Write a run's settings, or refuse those that differ from the ones written there before."""
    path = folder / SETTINGS
    if not path.is_file():
        write_text(path, json.dumps(asdict(settings), indent=1) + "\n")
    elif (before := asdict(Settings(**json.loads(path.read_text(encoding="utf-8"))))) != asdict(settings):
        differ = ", ".join(name for name, value in asdict(settings).items() if before[name] != value)
        raise UsageError(
            f"Expected a run of the same settings in {folder}, got another {differ}: choose another folder"
        )


def _machine(options: TrainingOptions) -> str:
    import torch

    packages = ", ".join(f"{name} {version(name)}" for name in ("nodulus", "monai", "torch"))
    on_gpu = options.device.startswith("cuda") or (options.device == "auto" and torch.cuda.is_available())
    return f"{packages}, {torch.cuda.get_device_name() if on_gpu else platform.machine()}"
