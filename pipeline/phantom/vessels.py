"""Vessels and bronchi inside the lungs: trees grown until they reach points spread all over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .grid import Place, Points
from .mediastinum import ARTERY_ROOTS_MM, BRONCHUS_ROOTS_MM, VEIN_ROOTS_MM
from .seeds import named_random
from .thorax import lung_distance_mm
from .tubes import Tube


@dataclass(frozen=True)
class TreeKind:
    """How a tree grows.

    Attributes:
        n_ends: Number of points it reaches in each lung.
        root_radius_mm: Radius where it enters the lung.
        depth_mm: How far from the lung's surface it stays.
        exponent: A mother's radius to this power is the sum of her daughters'.
    """

    n_ends: int
    root_radius_mm: float
    depth_mm: float
    exponent: float


# Murray's law says 3; lungs come a little below, and bronchi thin out of a scanner's sight sooner.
ARTERIES = TreeKind(n_ends=1300, root_radius_mm=7.2, depth_mm=4.0, exponent=2.95)
VEINS = TreeKind(n_ends=900, root_radius_mm=6.2, depth_mm=5.0, exponent=2.95)
BRONCHI = TreeKind(n_ends=90, root_radius_mm=5.4, depth_mm=20.0, exponent=2.35)


@lru_cache(maxsize=4)
def lung_vessels(seed: int) -> tuple[Tube, ...]:
    """Arteries and veins of both lungs; kept, for they take longer to grow than a small phantom to paint."""
    arteries = _both_lungs(ARTERIES, ARTERY_ROOTS_MM, named_random(seed, "arteries"))
    return (*arteries, *_both_lungs(VEINS, VEIN_ROOTS_MM, named_random(seed, "veins")))


@lru_cache(maxsize=4)
def lung_bronchi(seed: int) -> tuple[Tube, ...]:
    """Lumen of the bronchi of both lungs."""
    return tuple(_both_lungs(BRONCHI, BRONCHUS_ROOTS_MM, named_random(seed, "bronchi")))


def points_in_lungs_mm(n_points: int, depth_mm: float, random: np.random.Generator) -> Points:
    """Random LPS points at least so deep inside the lungs, (n, 3), in the order of drawing."""
    found = np.empty((0, 3))
    while len(found) < n_points:
        tries = random.uniform((-130, -90, -120), (130, 95, 122), (8 * n_points, 3))
        x, y, z = tries.astype(np.float32).T
        depth = lung_distance_mm(Place(x, y, z, edge_mm=1.0))
        found = np.vstack([found, tries[depth < -depth_mm]])
    return found[:n_points]


def _both_lungs(
    kind: TreeKind, roots_mm: tuple[tuple[float, float, float], ...], random: np.random.Generator
) -> list[Tube]:
    ends = points_in_lungs_mm(2 * kind.n_ends, kind.depth_mm, random)
    sides = (ends[ends[:, 0] < 0], ends[ends[:, 0] >= 0])
    return [
        tube for root, side in zip(roots_mm, sides, strict=True) for tube in _grow(kind, np.array(root), side, random)
    ]


def _grow(kind: TreeKind, root: Points, ends: Points, random: np.random.Generator) -> list[Tube]:
    """A tree from a root: each branch heads for the middle of its ends and halves them across their longest axis."""
    tubes = []
    heading = ends.mean(axis=0) - root
    waiting = [(root, heading / np.linalg.norm(heading), ends)]
    while waiting:
        start, heading, ends = waiting.pop()
        is_last = len(ends) == 1
        stop = ends[0] if is_last else start + random.uniform(0.3, 0.48) * (ends.mean(axis=0) - start)
        tubes.append(_branch(start, heading, stop, _radius_mm(kind, len(ends))))
        if not is_last:
            leaving = (stop - start) / max(float(np.linalg.norm(stop - start)), 1e-6)
            waiting += [(stop, leaving, half) for half in _halves(ends, stop)]
    return tubes


def _radius_mm(kind: TreeKind, n_ends: int) -> float:
    return float(kind.root_radius_mm * (n_ends / kind.n_ends) ** (1 / kind.exponent))


def _halves(ends: Points, pivot: Points) -> tuple[Points, Points]:
    """The points on either side of their middle, seen along their longest axis."""
    offset = ends - ends.mean(axis=0)
    _, axes = np.linalg.eigh(offset.T @ offset)
    along = offset @ axes[:, -1]
    is_far = (
        along > np.median(along) if len(ends) < 4 else along > 0.35 * float((pivot - ends.mean(axis=0)) @ axes[:, -1])
    )
    if is_far.all() or not is_far.any():
        is_far = along > np.median(along)
    return ends[is_far], ends[~is_far]


def _branch(start: Points, heading: Points, stop: Points, radius_mm: float) -> Tube:
    """A branch that leaves in its mother's direction and bends to its own end, tapering a little."""
    length = float(np.linalg.norm(stop - start))
    elbow = start + 0.3 * length * heading
    n_steps = 1 if length < 5 else 2 if length < 12 else 3
    t = np.linspace(0, 1, n_steps + 1)[:, None]
    line = (1 - t) ** 2 * start + 2 * t * (1 - t) * (0.5 * elbow + 0.25 * (start + stop)) + t**2 * stop
    return Tube(line, radius_mm * (1 - 0.15 * t[:, 0]))
