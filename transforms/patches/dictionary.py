"""The steps from a path to a patch as MONAI dictionary transforms."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from nodulus.transforms.geometry import Grid, swap_lps_ras
from nodulus.transforms.problems import problem_codes
from nodulus.transforms.scan.cache import ScanCache
from nodulus.transforms.volume import AIR_HU, CTVolume, volume_from_array

from .box import BOX_PER_DIAMETER, Box, Pose, Size, Spacing
from .nodule_patch import PatchCutter, range_as_array

Item = dict[Hashable, Any]


class OpenCTd(MapTransform):
    """Replace a path by the scan's ``CTVolume``: geometry checked by the series gate, voxels read when needed.

    It does not look for a lung: a path that gets this far mostly leads to a crop about one nodule, where no lung is no
    news, and an item has no place for a warning.

    Args:
        keys: items that hold a path: DICOM folder, zip of one, NIfTI, MHA/MHD or NRRD. A ``CTVolume`` stays as it is.
        allow: problem codes that the gate may admit (docs/reference/series-gate.md), a list or comma-separated text.

    Raises:
        InputRefusedError: when the series gate refuses the scan.
    """

    def __init__(
        self, keys: KeysCollection, allow: str | Collection[str] = (), allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.allow = problem_codes(allow)
        # Nodules of one scan mostly follow one another.
        self.scans = ScanCache()

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Return the item with the scan opened."""
        item = dict(data)
        for key in self.key_iterator(item):
            if not isinstance(item[key], CTVolume):
                item[key] = self.scans.open(item[key], allow=self.allow, expect_lung=False)
        return item


class LoadCTd(OpenCTd):
    """Replace a path by the whole scan: a MetaTensor of Hounsfield units, (1, x, y, z), with its RAS affine in mm.

    Arguments and errors are those of ``OpenCTd``.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Return the item with the scan loaded."""
        item = super().__call__(data)
        for key in self.key_iterator(item):
            volume: CTVolume = item[key]
            if not volume.grid.is_uniform:
                msg = f"Expected equal distances between slices for a whole volume, got steps in {volume.source}"
                raise ValueError(msg)
            affine = torch.from_numpy(swap_lps_ras(volume.grid.affine_lps))
            meta = {"filename_or_obj": volume.source, "space": "RAS", "original_channel_dim": float("nan")}
            item[key] = MetaTensor(torch.from_numpy(volume.read_all())[None], affine=affine, meta=meta)
        return item


class NodulePatchd(MapTransform):
    """Replace a scan by the patch of one nodule: a MetaTensor (1, x, y, z) of Hounsfield units.

    The nodule's centre is the middle of the patch; a patch that leaves the scan is filled with air, never shifted.
    What lies outside the nodule's box plus a margin is air too, and ``shown_key`` receives the voxel range that is not:
    an integer array (3, 2), start and stop along each axis.

    Args:
        keys: items that hold a ``CTVolume`` or a MetaTensor (1, x, y, z) in Hounsfield units with a RAS affine.
        size: voxels along each axis, or one number for all; odd, so that the nodule's centre is a voxel's centre.
        spacing_mm: of the patch along each axis, or one number for all.
        margin_mm: kept around the box at each face, along x, y and z (LPS) mm.
        box_per_diameter: size of the box of a nodule that comes without one, in diameters, along x, y and z.
        air_hu: the fill, Hounsfield units.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: Size,
        spacing_mm: Spacing,
        margin_mm: Sequence[float] = (5.0, 5.0, 0.0),
        box_per_diameter: Sequence[float] = BOX_PER_DIAMETER,
        center_key: str = "center_lps_mm",
        diameter_key: str = "diameter_mm",
        box_key: str = "box_lps_mm",
        shown_key: str = "shown_voxels",
        air_hu: float = AIR_HU,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.cutter = PatchCutter(size, spacing_mm, margin_mm, box_per_diameter, air_hu)
        self.size, self.spacing_mm = self.cutter.size, self.cutter.spacing_mm
        self.center_key, self.diameter_key = center_key, diameter_key
        self.box_key, self.shown_key = box_key, shown_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Return the item with the nodule's patch cut."""
        return self.cut(data, self.box(data), Pose(), with_grain=True)

    def box(self, data: Mapping[Hashable, Any]) -> Box:
        """Return the nodule's box in LPS mm, without the margin: its own, or the one that its diameter implies."""
        return self._box(data, data.get(self.box_key))

    def diameter_box(self, data: Mapping[Hashable, Any]) -> Box:
        """Return the box in LPS mm that the nodule's centre and diameter imply."""
        return self._box(data, None)

    def _box(self, data: Mapping[Hashable, Any], corners: Sequence[float] | None) -> Box:
        return self.cutter.box(data[self.center_key], float(data[self.diameter_key]), corners)

    def cut(self, data: Mapping[Hashable, Any], box: Box, pose: Pose, *, with_grain: bool = False) -> Item:
        """Return the item with the patch of a box (LPS mm) cut in a pose; the scan's grain is measured if asked for."""
        item = dict(data)
        for key in self.key_iterator(item):
            cut = self.cutter.cut(_as_volume(item[key]), item[self.center_key], box, pose, with_grain=with_grain)
            item[key] = MetaTensor(
                torch.from_numpy(cut.patch.intensity_hu)[None],
                affine=torch.from_numpy(cut.patch.affine_ras),
                meta={
                    "space": "RAS",
                    "inside_fraction": cut.patch.inside_fraction,
                    "slice_spacing_mm": cut.slice_spacing_mm,
                    "slice_thickness_mm": cut.slice_thickness_mm,
                    "grain": list(astuple(cut.grain)),
                },
            )
            item[self.shown_key] = range_as_array(cut.shown)
        return item


class FillOutsideBoxd(MapTransform):
    """Refill with air what lies outside the shown voxels: noise and blur must not show where inference shows nothing.

    Args:
        keys: items that hold a patch (1, x, y, z).
        fill: the value of air at this point of the chain: Hounsfield units before the window, 0 after it.
        shown_key: where ``NodulePatchd`` left the range of the shown voxels.
    """

    def __init__(
        self,
        keys: KeysCollection,
        fill: float = AIR_HU,
        shown_key: str = "shown_voxels",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fill, self.shown_key = float(fill), shown_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Return the item with all but the shown voxels filled."""
        item = dict(data)
        shown = (slice(None), *(slice(int(a), int(b)) for a, b in item[self.shown_key]))
        for key in self.key_iterator(item):
            filled = torch.full_like(item[key], self.fill)
            filled[shown] = item[key][shown]
            item[key] = filled
        return item


def _as_volume(image: CTVolume | MetaTensor) -> CTVolume:
    """Return the scan as a CTVolume; a MetaTensor is (1, x, y, z) Hounsfield units with a RAS affine."""
    if isinstance(image, CTVolume):
        return image
    if image.ndim != 4 or image.shape[0] != 1:
        msg = f"Expected one channel and three axes, (1, x, y, z), got {tuple(image.shape)}"
        raise ValueError(msg)
    voxels = image[0].cpu().numpy()
    x, y, z = voxels.shape
    return volume_from_array(voxels, Grid((x, y, z), swap_lps_ras(image.affine.cpu().numpy())))
