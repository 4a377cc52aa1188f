"""Takes a CT that another library holds in memory, under the rules that its file would have to keep."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.image_rules import HAS_GEOMETRY, ONE_NUMBER_A_VOXEL, ONE_VOLUME
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.geometry import Affine, Grid, affine_from, swap_lps_ras
from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.volume import CTVolume

from .geometry_checks import check_affine, check_spacing, check_unit_axes, one_volume
from .stored_image import StoredImage, StoredVoxels
from .value_checks import check_image

if TYPE_CHECKING:
    import SimpleITK as sitk
    from nibabel.spatialimages import SpatialImage

    HeldImage: TypeAlias = sitk.Image | SpatialImage

# Stand in messages and results where a file's name would.
_ITK_NAME, _NIBABEL_NAME = Path("SimpleITK image"), Path("nibabel image")


def is_held_image(image: object) -> bool:
    """Return whether something is a SimpleITK or a nibabel image; neither library is loaded to find out."""
    return _is_of(image, "SimpleITK", "Image") or _is_of(image, "nibabel.spatialimages", "SpatialImage")


def held_name(image: HeldImage) -> Path:
    """Return what stands for the file's name of an image in memory."""
    return _ITK_NAME if _is_of(image, "SimpleITK", "Image") else _NIBABEL_NAME


def open_held_image(image: HeldImage, *, allow: Collection[ProblemCode] = ()) -> CTVolume:
    """Return the CT that a SimpleITK image (LPS) or a nibabel image (RAS) holds; it keeps voxels of its own.

    Args:
        image: of Hounsfield units.
        allow: problems to let pass with a warning, of those that ``IMAGE_RULES`` says can be allowed.
    """
    gate = Gate(allow)
    stored = _of_itk(image) if _is_of(image, "SimpleITK", "Image") else _of_nibabel(image, gate)
    check_image(stored, gate)
    return CTVolume(
        grid=Grid(stored.voxels.size_xyz, stored.affine_lps),
        read_slab=stored.voxels.read_slab,
        read_box=stored.voxels.read_box,
        source=stored.voxels.path.name,
        attributes={"format": stored.format, "stored_type": str(stored.voxels.stored_type)},
        warnings=tuple(gate.warnings),
    )


def _is_of(image: object, module: str, kind: str) -> bool:
    # Whoever holds such an image has loaded its library.
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(image, getattr(loaded, kind))


@dataclass(frozen=True, eq=False)
class _HeldVoxels(StoredVoxels):
    """Voxels that are in memory, (x, y, z)."""

    numbers: NDArray[np.generic] = field(default_factory=lambda: np.empty((0, 0, 0)))

    def _rows(self, y_start: int, y_stop: int, k_start: int, k_stop: int) -> NDArray[np.generic]:
        return self.numbers[:, y_start:y_stop, k_start:k_stop]


def _of_itk(image: Any) -> StoredImage:  # noqa: ANN401 - SimpleITK is not typed
    import SimpleITK as sitk

    n = image.GetDimension()
    if n < 3:
        raise refusal(ONE_VOLUME, f"{n} dimensions", _ITK_NAME.name, expected="one volume")
    if image.GetNumberOfComponentsPerPixel() != 1:
        got = f"{image.GetNumberOfComponentsPerPixel()} components"
        raise refusal(ONE_NUMBER_A_VOXEL, got, _ITK_NAME.name, expected="one integer or real number a voxel")
    size_xyz = one_volume(image.GetSize(), _ITK_NAME)
    numbers = sitk.GetArrayFromImage(image).T.reshape(size_xyz)
    direction = np.asarray(image.GetDirection()).reshape(n, n)[:3, :3]
    check_unit_axes(direction, _ITK_NAME)
    spacing_mm = check_spacing(image.GetSpacing()[:3], _ITK_NAME)
    affine_lps = check_affine(affine_from(image.GetOrigin()[:3], direction, spacing_mm.tolist()), _ITK_NAME)
    return _stored("sitk", _ITK_NAME, numbers, size_xyz, affine_lps)


def _of_nibabel(image: Any, gate: Gate) -> StoredImage:  # noqa: ANN401 - nibabel is partly typed
    from nibabel import Nifti1Header

    from .nifti_file import header_geometry

    if image.affine is None:
        raise refusal(HAS_GEOMETRY, "none", _NIBABEL_NAME.name, expected="an affine")
    # Made anew, the header says what it would in a file: an affine that was set stands in it.
    header = type(image)(image.dataobj, image.affine, image.header).header
    if isinstance(header, Nifti1Header):
        size_xyz, affine_ras = header_geometry(header, _NIBABEL_NAME, gate)
    else:
        size_xyz = one_volume([*image.shape, *[1] * (3 - len(image.shape))], _NIBABEL_NAME)
        affine_ras = check_affine(image.affine, _NIBABEL_NAME)
    numbers = np.asanyarray(image.dataobj).reshape(size_xyz)
    return _stored("nibabel", _NIBABEL_NAME, numbers, size_xyz, swap_lps_ras(affine_ras))


def _stored(
    form: str, name: Path, numbers: NDArray[np.generic], size_xyz: tuple[int, int, int], affine_lps: Affine
) -> StoredImage:
    if numbers.dtype.kind not in "iuf":
        got = f"{numbers.dtype} (colour, complex or truth)"
        raise refusal(ONE_NUMBER_A_VOXEL, got, name.name, expected="one integer or real number a voxel")
    return StoredImage(form, _HeldVoxels(name, 0, numbers.dtype, size_xyz, numbers=numbers), affine_lps)
