"""What does nodulus do from a path to what the network sees?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.scoring.open_case import OpenCase
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.patches.dictionary import NodulePatchd

from .scans import Scan


@cache
def scorer() -> Scorer:
    """Return the loaded bundle of the checkout."""
    return Scorer(device="cpu")


def patches(scan: Scan, n_nodules: int, fresh: bool) -> torch.Tensor:
    """Return what the network sees of some nodules: gate, look for a lung, patches, window.

    Args:
        scan: the scan.
        n_nodules: how many nodules of it.
        fresh: whether all headers are read anew, as of a scan that was never seen before.
    """
    if fresh:
        scorer().scans.clear()
    return scorer().patches(_opened(scan, n_nodules).items)


def predict(scan: Scan) -> object:
    """Return what is said of one nodule of an open scan: patch, network, and all that is read out of its outputs."""
    return scorer().predict(_opened(scan, 1).items)


def score(scan: Scan) -> object:
    """Return the result of one scan and one nodule that were never seen before."""
    scorer().scans.clear()
    return scorer().score(scan.path, scan.nodules(1))


def patch_hu(scan: Scan) -> NDArray[np.float32]:
    """Return the one nodule's patch (x, y, z) in Hounsfield units, before the window."""
    (cut,) = [step for step in scorer().preprocessing.transforms if isinstance(step, NodulePatchd)]
    item: Mapping[Hashable, Any] = dict(_opened(scan, 1).items[0].items())
    return np.asarray(cut(item)["image"][0])


def _opened(scan: Scan, n_nodules: int) -> OpenCase:
    opened = scorer().open(Case(scan.name, scan.path, scan.nodules(n_nodules)))
    if len(opened.items) != n_nodules:
        raise RuntimeError(
            f"Expected {n_nodules} nodules in {scan.name}, got {opened.problem or opened.nodule_problems}"
        )
    return opened
