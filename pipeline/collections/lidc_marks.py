"""Which readers' marks are of one nodule, and where and how large it then is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from nodulus.pipeline.nodules.area import filled
from nodulus.transforms.geometry import BoxCorners, Grid, Points, Triple

from .lidc_xml import Contour, Mark

MOST_READERS = 4
_SHRINK, _LEAST_MM = 0.9, 0.1

# The k of the slice that a contour was drawn in.
SliceOf = Callable[[Contour], int]
Voxel = tuple[int, int, int]


def cluster(marks: Sequence[Mark], grid: Grid, slice_of: SliceOf, tolerance_mm: float) -> list[list[Mark]]:
    """Return the marks parted by nodule, in the order of their first marks.

    The rule is that of pylidc's ``Scan.cluster_annotations`` by its defaults (Hancock and Magnan, J. Med. Imaging 3
    (2016) 044504): two marks are of one nodule where points of their outlines come within a slice's thickness of each
    other, and so are all that hang together; where more than four do, the tolerance shrinks by a tenth until none does.

    Args:
        marks: of one series.
        grid: of it.
        slice_of: where each contour lies.
        tolerance_mm: the slice's thickness.
    """
    if not marks:
        return []
    trees = [KDTree(_outline_mm(mark, grid, slice_of)) for mark in marks]
    gap_mm = np.zeros((len(marks), len(marks)))
    for i, tree in enumerate(trees):
        for j in range(i):
            gap_mm[i, j] = gap_mm[j, i] = float(np.min(tree.query(trees[j].data)[0]))
    while True:
        n_clusters, number = connected_components(gap_mm <= tolerance_mm, directed=False)
        tolerance_mm *= _SHRINK
        if np.bincount(number).max() <= MOST_READERS or tolerance_mm < _LEAST_MM:
            break
    return [[mark for mark, own in zip(marks, number, strict=True) if own == n] for n in range(n_clusters)]


def enclosed(mark: Mark, slice_of: SliceOf) -> set[Voxel]:
    """Return the voxels that a mark encloses.

    Outlines are the first pixels outside of the nodule (LIDC-IDRI's rule), so that the nodule is what lies strictly
    within them. A mark with nothing within is its outline.
    """
    included: set[Voxel] = set()
    holes: set[Voxel] = set()
    for contour in mark.contours:
        (holes if contour.is_hole else included).update(_voxels(_inside(contour), slice_of(contour)))
    return (included - holes) or outlined(mark, slice_of)


def outlined(mark: Mark, slice_of: SliceOf) -> set[Voxel]:
    """Return the voxels of a mark's outlines."""
    return {voxel for contour in mark.contours for voxel in _voxels(contour.pixels, slice_of(contour))}


def center_and_diameter(parts: Sequence[set[Voxel]], grid: Grid) -> tuple[Triple, float]:
    """Return a nodule's centre, LPS mm, and diameter, mm: means over its readers, as LUNA16 averages them.

    A reader's centre is the centroid of what was enclosed, the diameter that of the ball of its volume.
    """
    centroids = [grid.lps_from_voxel(np.asarray(sorted(part), dtype=np.float64)).mean(axis=0) for part in parts]
    voxel_mm3 = abs(float(np.linalg.det(grid.affine_lps[:3, :3])))
    x, y, z = np.mean(centroids, axis=0).tolist()
    return (x, y, z), float(np.mean([(6 * len(part) * voxel_mm3 / np.pi) ** (1 / 3) for part in parts]))


def box_of_half(marks: Sequence[Mark], grid: Grid, slice_of: SliceOf) -> BoxCorners:
    """Return the box, LPS mm, of the voxels that at least half of the marks hold; of all where there are none.

    With the outlines themselves: so were the boxes made that the shipped network trained on.
    """
    votes = Counter(voxel for mark in marks for voxel in enclosed(mark, slice_of) | outlined(mark, slice_of))
    agreed = [voxel for voxel, n in votes.items() if 2 * n >= len(marks)] or list(votes)
    places = grid.lps_from_voxel(np.asarray(agreed, dtype=np.float64))
    (a, b, c), (d, e, f) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return a, b, c, d, e, f


def _outline_mm(mark: Mark, grid: Grid, slice_of: SliceOf) -> Points:
    around = [each for each in mark.contours if not each.is_hole] or mark.contours
    voxels = [np.column_stack([each.pixels, np.full(len(each.pixels), slice_of(each))]) for each in around]
    return grid.lps_from_voxel(np.concatenate(voxels).astype(np.float64))


def _inside(contour: Contour) -> NDArray[np.int64]:
    """Return the pixels (n, 2) strictly within an outline."""
    if not len(contour.pixels):
        return contour.pixels
    low = contour.pixels.min(axis=0)
    around = contour.pixels - low
    within = filled(around.astype(np.float64), around.max(axis=0) + 1)
    within[around[:, 0], around[:, 1]] = False
    return np.asarray(np.argwhere(within) + low, dtype=np.int64)


def _voxels(pixels: NDArray[np.int64], k: int) -> list[Voxel]:
    return [(i, j, k) for i, j in pixels.tolist()]
