"""Opens a chest CT of any kind that is understood."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nodulus.transforms.images.formats import is_half_of_pair
from nodulus.transforms.problems import ProblemCode, UsageError, printable
from nodulus.transforms.series.read_series import open_dicom
from nodulus.transforms.sources.signatures import GZIP_MAGIC, IMAGE_SUFFIXES, NIFTI_START_BYTES, NRRD_MAGIC, is_nifti
from nodulus.transforms.volume import CTVolume

from .cache import ScanCache

_IMAGE_MAGIC = (NRRD_MAGIC, GZIP_MAGIC, b"ObjectType", b"NDims")

_cache = ScanCache(max_scans=8)


def open_ct(path: str | Path, *, allow: Collection[ProblemCode] = (), series_uid: str | None = None) -> CTVolume:
    """Return the CT at a path, its geometry exact and its voxels read when asked for.

    Args:
        path: a DICOM folder, a zip of one, one DICOM file, or a NIfTI, MHA, MHD or NRRD file.
        allow: problems that are admitted where that can be done honestly; the volume's warnings then say so.
        series_uid: which DICOM series to read; None leaves the choice to the series gate.

    Raises:
        UsageError: there is no such path, or a code to allow is unknown.
        InputRefusedError: the scan is not one that can be read right; its ``problem`` says why.
    """
    place, codes = Path(path), _codes(allow)
    if not _is_place(place):
        raise UsageError(f"Expected a scan at {printable(str(place))}, got no such file or folder")
    if place.is_file() and _holds_image(place):
        # nibabel takes 0.2 s to import, which a DICOM scan does without.
        from nodulus.transforms.images.read_image import open_image_file

        return open_image_file(place, allow=codes)
    return open_dicom(place, allow=codes, series_uid=series_uid)


def open_ct_cached(path: str | Path, *, allow: Collection[ProblemCode] = (), series_uid: str | None = None) -> CTVolume:
    """Return what ``open_ct`` does; a scan opened before, whose files have not changed, is not read again."""
    place, codes = Path(path), _codes(allow)
    if not _is_place(place):
        return open_ct(place, allow=codes, series_uid=series_uid)
    return _cache.get(place, (codes, series_uid), lambda: open_ct(place, allow=codes, series_uid=series_uid))


def forget_scans() -> None:
    """Close every scan that ``open_ct_cached`` keeps."""
    _cache.clear()


def _is_place(path: Path) -> bool:
    """Return whether a path is a file or folder that can be looked at; a pipe would be waited on without end."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):  # a name longer than 255 bytes, or one with a zero in it
        return False


def _codes(allow: Collection[ProblemCode]) -> frozenset[ProblemCode]:
    try:
        return frozenset(ProblemCode(code) for code in allow)
    except ValueError as error:
        raise UsageError(f"Expected problem codes to allow, got {', '.join(map(str, allow))}") from error


def _holds_image(path: Path) -> bool:
    """Return whether a file is NIfTI, MetaImage or NRRD, by its name or by what it holds."""
    if path.name.lower().endswith(IMAGE_SUFFIXES) or is_half_of_pair(path):
        return True
    with path.open("rb") as stream:
        start = stream.read(NIFTI_START_BYTES)
    return start.startswith(_IMAGE_MAGIC) or is_nifti(start)
