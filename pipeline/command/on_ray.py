"""Actors of a Ray cluster that score for one command."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .jobs import torch_threads
from .log_errors import prepare_worker
from .stopping import heed_signals

if TYPE_CHECKING:
    from nodulus.pipeline.results.record import CaseResult
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.scoring.cases import Case
    from nodulus.pipeline.scoring.journal import Journal
    from nodulus.pipeline.scoring.open_case import OpenCase
    from nodulus.pipeline.scoring.scorer import Scorer
    from nodulus.pipeline.writers.case_files import CaseFiles

    from .score_all import ScoreAll


def on_ray(
    address: str, n_jobs: int | None, device: str, make_scorer: Callable[..., Scorer], files: CaseFiles, stages: Stages
) -> ScoreAll:
    """Return what scores cases with actors of a Ray cluster, each of which loads the model as ``make_scorer`` does.

    Args:
        address: of the cluster; "local" starts one.
        n_jobs: how many actors; None is one a CPU.
        device: where the network runs, which a machine of the cluster must not choose by itself.
        make_scorer: loads the model.
        files: written of each case.
        stages: what the time of all actors is added to.

    Raises:
        UsageError: Ray is not installed, or the address is none.
    """
    from nodulus.pipeline.scoring.ray_cluster import check_address, connected
    from nodulus.pipeline.scoring.share_out import ShareOut
    from nodulus.pipeline.scoring.worker import Setup

    from .console import note

    check_address(address)
    kind = device.partition(":")[0]
    setup = Setup(partial(make_scorer, device=kind), files, torch_threads())
    n_gpus = int(kind == "cuda")

    def score(cases: Sequence[Case | OpenCase], journal: Journal) -> Generator[CaseResult, None, None]:
        from nodulus.pipeline.scoring.ray_workers import RayWorkers

        with connected(address, n_jobs) as n_cpus:
            heed_signals()  # Ray takes SIGTERM for itself
            workers = RayWorkers(min(n_jobs or n_cpus, len(cases)), n_gpus, setup, prepare_worker, note)
            yield from ShareOut(workers, files, stages).score_journaled(cases, journal)

    return score
