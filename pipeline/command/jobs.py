"""Several processes that score for one command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from .log_errors import prepare_worker

if TYPE_CHECKING:
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.scoring.scorer import Scorer
    from nodulus.pipeline.writers.case_files import CaseFiles

    from .score_all import ScoreAll


def in_processes(n_jobs: int, make_scorer: Callable[[], Scorer], files: CaseFiles, stages: Stages) -> ScoreAll:
    """Return what scores cases with so many processes, each of which loads the model as ``make_scorer`` does."""
    from nodulus.pipeline.scoring.many_processes import ManyProcesses
    from nodulus.pipeline.scoring.worker import Setup

    return ManyProcesses(n_jobs, Setup(make_scorer, files, torch_threads()), prepare_worker, stages).score_journaled


def torch_threads() -> int | None:
    """Return how many threads of torch each process is to use; None where the network runs without torch.

    As many as this process would use: with others, sums are taken in another order, and last digits differ. Engines
    that do without torch count the machine's cores themselves, in each process alike.
    """
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())
