"""All nodules, measured by some processes; what was measured is kept line by line, so that a run can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nodulus.pipeline.bundle.folder import INFERENCE_CONFIG
from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import UsageError

from .measure import Bench, NoduleRow, measure
from .methods import AIR, Margin
from .views import marked_nodule

# Crops of a few slices are no whole scans, and are known to be Hounsfield units.
CROPS_ALLOW = ("too_few_slices", "not_hounsfield")


@dataclass(frozen=True, eq=False)
class Task:
    """One nodule to measure, with or without random weights."""

    item: Mapping[str, Any]
    with_random: bool


def tasks_of(data: Path, training_patients: Path, n_nodules: int | None, n_random: int, seed: int) -> list[Task]:
    """Return the validation nodules of a list, or some of them; ``n_random`` of other patients get random weights.

    Raises:
        UsageError: the weights were trained on some of their patients.
    """
    patients = {item.patient_id for item in read_data_list(data).validation}
    if seen := overlap(patients, read_training_patients(training_patients)):
        raise UsageError(f"Expected validation patients that the weights have not seen, got {seen[0]} in {data}")
    items = load_data_list(data, "validation")
    order = np.random.default_rng(seed).permutation(len(items))[:n_nodules].tolist()
    of_patient = {items[index]["patient_id"]: index for index in reversed(order)}
    chosen = set(sorted(of_patient.values(), key=order.index)[:n_random])
    return [Task(items[index], index in chosen) for index in order]


def measure_all(tasks: Sequence[Task], bundle: Path, rows_file: Path, jobs: int) -> Iterator[NoduleRow | None]:
    """Yield the row of each nodule, None where its mask lies outside of what is shown; those in the file come first.

    Args:
        tasks: the nodules.
        bundle: its folder.
        rows_file: JSON lines; receives each row as soon as it is known. It must be of the same bundle and tasks.
        jobs: processes.
    """
    done = {row.nodule_id: row for row in read_rows(rows_file)}
    yield from done.values()
    left = [task for task in tasks if task.item["nodule_id"] not in done]
    with (
        ProcessPoolExecutor(jobs, get_context("spawn"), _start, (bundle,)) as pool,
        rows_file.open("a", encoding="utf-8") as lines,
    ):
        for row in pool.map(_measure, left):
            if row is not None:
                lines.write(row.model_dump_json() + "\n")
                lines.flush()
            yield row


def read_rows(rows_file: Path) -> list[NoduleRow]:
    """Return the rows of a file, none where there is no file."""
    if not rows_file.is_file():
        return []
    lines = rows_file.read_text(encoding="utf-8").splitlines()
    return [NoduleRow.model_validate(json.loads(line)) for line in lines]


def margin_of_air(bundle: Path) -> float:
    """Return the margin of a patch that shows nothing."""
    scorer = Scorer(bundle, device="cpu")
    patch = torch.full((1, 1, *json.loads((bundle / INFERENCE_CONFIG).read_text(encoding="utf-8"))["patch_size"]), AIR)
    with torch.no_grad():
        return float(Margin(scorer.network)(patch).item())


_process: dict[str, Any] = {}


def _start(bundle: Path) -> None:
    torch.set_num_threads(1)  # the processes share the cores
    scorer = Scorer(bundle, device="cpu", allow=CROPS_ALLOW)
    _process.update(scorer=scorer, bench=Bench.of(scorer.network))


def _measure(task: Task) -> NoduleRow | None:
    nodule = marked_nodule(_process["scorer"], task.item)
    return None if nodule is None else measure(_process["bench"], nodule, with_random=task.with_random)
