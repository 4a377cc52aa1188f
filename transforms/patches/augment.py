"""Random views of one nodule, in the same single resampling that cuts its patch."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Randomizable

from .box import Box, Pose, Size, Spacing, as_triple
from .dictionary import Item, NodulePatchd


class RandNodulePatchd(Randomizable, NodulePatchd):
    """Cut the nodule's patch in a random pose with a jittered box: mirrors, turns, scale, shift, one resampling.

    ``randomize`` draws, ``__call__`` applies. Intensity augmentation is left to MONAI's own transforms, followed by
    ``FillOutsideBoxd``. The output is that of ``NodulePatchd``; its affine holds the pose.

    Args:
        keys: items that hold a ``CTVolume`` or a MetaTensor (1, x, y, z) in Hounsfield units with a RAS affine.
        size: voxels along each axis, or one number for all; odd.
        spacing_mm: of the patch along each axis, or one number for all.
        flip_prob: chance of a mirror, per axis.
        axial_turn_rad: turns about the body's long axis, uniform in +- this angle.
        tilt_rad: turns about the other two axes, uniform in +- this angle. The collection's crops end with the box
            in z, so that a large tilt shows empty corners.
        scale_range: zoom is uniform in 1 +- this fraction; small, because size is information.
        shift_mm: the patch's middle moves by up to this much along each axis.
        box_jitter_mm: each face of the box moves by up to this much, along x, y and z.
        diameter_box_prob: chance to take the box that the diameter implies instead of the nodule's own, as at
            inference from a table of centres and diameters.
        prob: chance of any of this; otherwise the patch is cut as at inference.
        **patch_options: the other arguments of ``NodulePatchd``.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: Size,
        spacing_mm: Spacing,
        flip_prob: float = 0.5,
        axial_turn_rad: float = np.pi,
        tilt_rad: float = 0.0,
        scale_range: float = 0.1,
        shift_mm: float = 1.0,
        box_jitter_mm: Sequence[float] = (1.0, 1.0, 0.0),
        diameter_box_prob: float = 0.5,
        prob: float = 1.0,
        **patch_options: Any,  # noqa: ANN401 - passed on to NodulePatchd, which types them
    ) -> None:
        NodulePatchd.__init__(self, keys, size, spacing_mm, **patch_options)
        self.flip_prob, self.axial_turn_rad, self.tilt_rad = flip_prob, axial_turn_rad, tilt_rad
        self.scale_range, self.shift_mm, self.prob = scale_range, shift_mm, prob
        self.box_jitter_mm, self.diameter_box_prob = as_triple(box_jitter_mm), diameter_box_prob
        self.pose, self.face_shift_mm, self.takes_diameter_box = Pose(), np.zeros((2, 3)), False

    def randomize(self, data: Any = None) -> None:  # noqa: ANN401 - MONAI's signature
        """Draw the pose and the box jitter of the next call."""
        draw = self.R.uniform
        mirrors = np.where(self.R.random_sample(3) < self.flip_prob, -1.0, 1.0)
        turns = _turn(draw(-1, 1) * self.tilt_rad, 0) @ _turn(draw(-1, 1) * self.tilt_rad, 1)
        turns = turns @ _turn(draw(-1, 1) * self.axial_turn_rad, 2)
        matrix = turns @ np.diag(mirrors) * (1 + draw(-1, 1) * self.scale_range)
        shift_mm = draw(-1, 1, 3) * self.shift_mm
        face_shift_mm = draw(-1, 1, (2, 3)) * np.asarray(self.box_jitter_mm)
        takes_diameter_box = self.R.random_sample() < self.diameter_box_prob
        is_augmented = self.R.random_sample() < self.prob
        self.pose = Pose(matrix, as_triple(shift_mm)) if is_augmented else Pose()
        self.face_shift_mm = face_shift_mm if is_augmented else np.zeros((2, 3))
        self.takes_diameter_box = bool(takes_diameter_box and is_augmented)

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Return the item with the nodule's patch cut in the pose just drawn."""
        self.randomize()
        box = self.diameter_box(data) if self.takes_diameter_box else self.box(data)
        return self.cut(data, self._jittered(box), self.pose)

    def _jittered(self, box: Box) -> Box:
        """Return the box with its faces moved; a box never turns inside out."""
        low = np.asarray(box.low_lps_mm) + self.face_shift_mm[0]
        high = np.asarray(box.high_lps_mm) + self.face_shift_mm[1]
        middle = (low + high) / 2
        return Box(as_triple(np.minimum(low, middle)), as_triple(np.maximum(high, middle)))


def _turn(angle_rad: float, axis: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the 3x3 rotation about one axis."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.eye(3)
    first, second = (index for index in range(3) if index != axis)
    turn[first, first] = turn[second, second] = cos
    turn[first, second], turn[second, first] = -sin, sin
    return turn
