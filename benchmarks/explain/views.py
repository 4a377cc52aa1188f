"""What the network is shown of a nodule, where the readers' mask lies in it, and the same from 1 mm beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.geometry import Affine, Grid, swap_lps_ras
from nodulus.transforms.patches.patch import cut_patch
from nodulus.transforms.volume import volume_from_array

# A whole number of voxels along each axis of the bundle's patch.
STEPS_LPS_MM = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class View:
    """A nodule as the network is shown it.

    Args:
        patch: (1, 1, x, y, z), windowed to 0..1; what is not shown is 0, air.
        is_shown: (x, y, z), the nodule's box and its margin.
        diameter_mm: as its table states.
        affine_ras: 4x4, mm.
    """

    patch: torch.Tensor
    is_shown: NDArray[np.bool_]
    diameter_mm: float
    affine_ras: Affine

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance of neighbouring voxels along each axis, (3,)."""
        return np.asarray(np.linalg.norm(self.affine_ras[:3, :3], axis=0))


@dataclass(frozen=True, eq=False)
class MarkedNodule:
    """A nodule's view, its mask on the patch, and its views from 1 mm beside along each axis."""

    nodule_id: str
    patient_id: str
    label: int | None
    view: View
    is_nodule: NDArray[np.bool_]
    shifted: tuple[View, ...]


def marked_nodule(scorer: Scorer, item: Mapping[str, Any]) -> MarkedNodule | None:
    """Return a nodule of a data list with its mask; None where no voxel of the mask is shown."""
    view = view_of(scorer, item)
    image = Path(item["image"])
    is_nodule = _mask_on_patch(image.parents[1] / "masks" / image.name, view) & view.is_shown
    if not is_nodule.any():
        return None
    center = np.asarray(item["center_lps_mm"])
    # The box is the item's own and stays where it is in the patient: only the patch moves.
    moved = [dict(item) | {"center_lps_mm": tuple((center + step).tolist())} for step in STEPS_LPS_MM]
    shifted = tuple(view_of(scorer, each) for each in moved)
    return MarkedNodule(item["nodule_id"], item["patient_id"], item["label"], view, is_nodule, shifted)


def view_of(scorer: Scorer, item: Mapping[str, Any]) -> View:
    """Return what the bundle's preprocessing shows of a work item."""
    prepared = scorer.preprocessing(dict(item))
    image = prepared["image"]
    is_shown = np.zeros(image.shape[1:], dtype=np.bool_)
    is_shown[tuple(slice(int(start), int(stop)) for start, stop in prepared["shown_voxels"])] = True
    patch = torch.as_tensor(image).as_subclass(torch.Tensor)[None]
    return View(patch, is_shown, float(item["diameter_mm"]), np.asarray(image.affine, dtype=np.float64))


def on_grid_of(view: View, values: NDArray[Any], shifted: View) -> NDArray[Any]:
    """Return an array on the grid of a shifted view, moved to the grid of the view; it wraps about the edges.

    Both grids have the same axes and lie a whole number of voxels apart.
    """
    apart_voxels = np.linalg.inv(view.affine_ras) @ shifted.affine_ras[:, 3]
    steps = np.rint(apart_voxels[:3]).astype(int)
    return np.roll(values, tuple(steps.tolist()), axis=(0, 1, 2))


def _mask_on_patch(path: Path, view: View) -> NDArray[np.bool_]:
    stored = nib.load(path)
    values = np.asarray(stored.dataobj, dtype=np.float32)
    x, y, z = values.shape
    volume = volume_from_array(values, Grid((x, y, z), swap_lps_ras(stored.affine)), str(path))
    return np.asarray(cut_patch(volume, view.affine_ras, view.is_shown.shape, air_hu=0.0).intensity_hu > 0.5)
