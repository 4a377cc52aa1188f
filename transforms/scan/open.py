"""Opens a chest CT of any kind that is understood."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.transforms.gate.lung import lung_warning
from nodulus.transforms.images.formats import is_half_of_pair
from nodulus.transforms.problems import ProblemCode, UsageError, printable, problem_codes
from nodulus.transforms.series.read_series import open_dicom
from nodulus.transforms.sources.signatures import GZIP_MAGIC, IMAGE_SUFFIXES, NIFTI_START_BYTES, NRRD_MAGIC, is_nifti
from nodulus.transforms.volume import CTVolume

if TYPE_CHECKING:
    from nodulus.transforms.images.held_image import HeldImage

_IMAGE_MAGIC = (NRRD_MAGIC, GZIP_MAGIC, b"ObjectType", b"NDims")


def open_ct(
    path: str | Path,
    *,
    allow: str | Collection[str] = (),
    series_uid: str | None = None,
    expect_lung: bool = True,
) -> CTVolume:
    """Return the CT at a path, its geometry exact and its voxels read when asked for.

    Args:
        path: a DICOM folder, a zip of one, one DICOM file, or a NIfTI, MHA, MHD or NRRD file.
        allow: problems that are admitted where that can be done honestly; the volume's warnings then say so.
        series_uid: which DICOM series to read; None leaves the choice to the series gate.
        expect_lung: whether to warn of a scan that shows no lung, for which up to six slices are decoded. A crop about
            a nodule need not show any, and who hands on voxels alone has nowhere to put a warning.

    Raises:
        UsageError: there is no such path, or a code to allow is unknown.
        InputRefusedError: the scan is not one that can be read right; its ``problem`` says why.
    """
    place, codes = Path(path), problem_codes(allow)
    if not is_place(place):
        raise UsageError(f"Expected a scan at {printable(str(place))}, got no such file or folder")
    volume = _open(place, codes, series_uid)
    no_lung = lung_warning(volume) if expect_lung else None
    return volume if no_lung is None else replace(volume, warnings=(*volume.warnings, no_lung))


def open_held_ct(image: HeldImage, *, allow: str | Collection[str] = ()) -> CTVolume:
    """Return the CT that a SimpleITK image (LPS) or a nibabel image (RAS) holds in memory, as `open_ct` would.

    Raises:
        UsageError: a code to allow is unknown.
        InputRefusedError: the scan is not one that can be read right; its ``problem`` says why.
    """
    from nodulus.transforms.images.held_image import open_held_image

    volume = open_held_image(image, allow=problem_codes(allow))
    no_lung = lung_warning(volume)
    return volume if no_lung is None else replace(volume, warnings=(*volume.warnings, no_lung))


def is_place(path: Path) -> bool:
    """Return whether a path is a file or folder that can be looked at; a pipe would be waited on without end."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):  # a name longer than 255 bytes, or one with a zero in it
        return False


def _open(place: Path, allow: Collection[ProblemCode], series_uid: str | None) -> CTVolume:
    if place.is_file() and _holds_image(place):
        # nibabel takes 0.2 s to import, which a DICOM scan does without.
        from nodulus.transforms.images.read_image import open_image_file

        return open_image_file(place, allow=allow)
    return open_dicom(place, allow=allow, series_uid=series_uid)


def _holds_image(path: Path) -> bool:
    """Return whether a file is NIfTI, MetaImage or NRRD, by its name or by what it holds."""
    if path.name.lower().endswith(IMAGE_SUFFIXES) or is_half_of_pair(path):
        return True
    with path.open("rb") as stream:
        start = stream.read(NIFTI_START_BYTES)
    return start.startswith(_IMAGE_MAGIC) or is_nifti(start)
