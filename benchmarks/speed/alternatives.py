"""What would one do without nodulus? The stock MONAI chain, and SimpleITK alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd, Spacingd, SpatialCrop
from numpy.typing import NDArray

from nodulus.transforms.geometry import swap_lps_ras
from nodulus.transforms.patches.box import patch_affine_ras
from nodulus.transforms.volume import AIR_HU

from .scans import Scan

SIZE, SPACING_MM = (65, 65, 33), (0.5, 0.5, 1.0)
DICOM_READERS = ("ITKReader", "PydicomReader")
NIFTI_READERS = ("NibabelReader",)


def readers(scan: Scan) -> tuple[str, ...]:
    """Return the MONAI readers that are installed and read the scan."""
    named = DICOM_READERS if scan.is_dicom else NIFTI_READERS
    return tuple(name for name in named if name != "ITKReader" or find_spec("itk"))


def stock_monai(scan: Scan, reader: str) -> object:
    """Return the patch that MONAI's own transforms give: the whole scan is loaded, turned, resampled, and cropped."""
    chain = Compose(
        [
            LoadImaged("image", reader=reader),
            EnsureChannelFirstd("image", channel_dim="no_channel"),
            Orientationd("image", axcodes="RAS", labels=None),
            Spacingd("image", pixdim=SPACING_MM),
        ]
    )
    image = chain({"image": scan.folder or scan.path})["image"]
    center_ras = np.asarray([*scan.nodule_lps_mm, 1.0]) * [-1, -1, 1, 1]
    voxel = np.linalg.inv(image.affine.numpy()) @ center_ras
    return SpatialCrop(roi_center=np.rint(voxel[:3]).astype(int).tolist(), roi_size=SIZE)(image)


def simpleitk_patch(scan: Scan) -> NDArray[np.float32]:
    """Return the patch (x, y, z) in Hounsfield units on our grid, read and resampled by SimpleITK."""
    image = _simpleitk_image(scan.folder or scan.path, scan.is_dicom)
    affine_lps = swap_lps_ras(patch_affine_ras(scan.nodule_lps_mm, SIZE, SPACING_MM))
    resample = sitk.ResampleImageFilter()
    resample.SetSize(SIZE)
    resample.SetOutputSpacing(SPACING_MM)
    resample.SetOutputOrigin(affine_lps[:3, 3].tolist())
    resample.SetOutputDirection((affine_lps[:3, :3] / SPACING_MM).ravel().tolist())
    resample.SetInterpolator(sitk.sitkLinear)
    resample.SetDefaultPixelValue(AIR_HU)
    resample.SetOutputPixelType(sitk.sitkFloat32)
    return np.asarray(sitk.GetArrayFromImage(resample.Execute(image)).transpose(2, 1, 0), dtype=np.float32)


def _simpleitk_image(path: Path, is_dicom: bool) -> sitk.Image:
    if not is_dicom:
        return sitk.ReadImage(str(path))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    return reader.Execute()
