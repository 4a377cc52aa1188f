"""From the frames that show a segment, in any order, to a stack of planes by their positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Points

from .plane_stack import PlaneStack, check_size, row_thickness, rows_with_gaps, same_planes, usual_step
from .seg_frames import SegFrame, SetPixels


def step_between(frames: Sequence[SegFrame], thickness_mm: float | None) -> float:
    """Return the usual distance (mm) of an object's planes, by the positions of all its frames."""
    heights, _ = same_planes(_heights([frame.origin_lps_mm for frame in frames], frames[0].steps_lps_mm))
    return usual_step(heights, thickness_mm) or float(np.linalg.norm(frames[0].steps_lps_mm[0]))


def stack_of(pixels: Sequence[SetPixels], step_mm: float) -> PlaneStack:
    """Return one segment's planes, each where its frames stand; frames of one position are united.

    Raises:
        UsageError: the segment's ends lie so far apart that the stack would take too much memory.
    """
    steps = pixels[0].frame.steps_lps_mm
    normal = _normal(steps)
    origins = np.array([frame_pixels.frame.origin_lps_mm for frame_pixels in pixels])
    heights, plane_of = same_planes(origins @ normal)
    rows = rows_with_gaps(heights, step_mm)
    lows = np.array([frame_pixels.low for frame_pixels in pixels]) + _shifts(origins, steps)
    first = lows.min(axis=0)
    size = (lows + [frame_pixels.mask.shape for frame_pixels in pixels] - first).max(axis=0)
    check_size((int(rows[-1]) + 1, *size.tolist()))
    masks = np.zeros((int(rows[-1]) + 1, *size), dtype=bool)
    for frame_pixels, low, plane in zip(pixels, lows - first, plane_of, strict=True):
        n_u, n_v = frame_pixels.mask.shape
        masks[rows[plane], low[0] : low[0] + n_u, low[1] : low[1] + n_v] |= frame_pixels.mask
    row_heights = np.interp(np.arange(len(masks)), rows, heights)
    in_plane = origins[0] - (origins[0] @ normal) * normal + first @ steps
    thickness = row_thickness(row_heights, step_mm)
    return PlaneStack(masks, in_plane + row_heights[:, None] * normal, steps, thickness)


def _shifts(origins: Points, steps: Points) -> NDArray[np.intp]:
    """Return by how many pixels (n, 2) each frame is shifted within its plane against the first one."""
    shifts = (origins - origins[0]) @ steps.T / np.sum(steps**2, axis=1)
    return np.asarray(np.round(shifts).astype(int))


def _heights(origins: Sequence[Points], steps: Points) -> Points:
    return np.asarray(np.array(origins) @ _normal(steps))


def _normal(steps: Points) -> Points:
    across = np.cross(steps[0], steps[1])
    return np.asarray(across / np.linalg.norm(across))
