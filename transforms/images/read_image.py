"""Opens a CT stored as NIfTI, MetaImage or NRRD: exact geometry, voxels on demand, or a refusal by name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nodulus.transforms.gate.image_rules import KNOWN_FORMAT
from nodulus.transforms.gate.place_rules import READABLE
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import ProblemCode, UsageError, printable
from nodulus.transforms.sources.deflate_reader import DeflateReader
from nodulus.transforms.sources.signatures import GZIP_MAGIC, archive_kind, is_half_of_nifti_pair, is_nifti
from nodulus.transforms.volume import CTVolume

from .formats import is_half_of_pair
from .metaimage_file import is_metaimage, read_metaimage
from .nifti_file import read_nifti
from .nrrd_file import is_nrrd, read_nrrd
from .stored_image import StoredImage
from .value_checks import check_image

_START_BYTES = 1024


def open_image_file(path: Path, *, allow: Collection[ProblemCode] = ()) -> CTVolume:
    """Return the CT of a NIfTI, MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr) file.

    Voxels keep the file's own array order; its axes may be oblique or left-handed. The header is checked now, as is
    the length of the file (a compressed one is inflated once, for its checksum); voxels are read when asked for.

    Args:
        path: the file.
        allow: problems to let pass with a warning, of those that ``IMAGE_RULES`` says can be allowed.
    """
    if not path.is_file():
        raise UsageError(f"Expected a NIfTI, MetaImage or NRRD file, got no file at {printable(str(path))}")
    gate = Gate(allow)
    try:
        image = read_stored(path, gate)
        image.voxels.check_complete()
    except OSError as error:
        raise refusal(READABLE, str(error.strerror), path.name, expected="a readable file") from error
    check_image(image, gate)
    return CTVolume(
        grid=Grid(image.voxels.size_xyz, image.affine_lps),
        read_slab=image.voxels.read_slab,
        read_box=image.voxels.read_box,
        source=str(path),
        attributes={"format": image.format, "stored_type": str(image.voxels.stored_type)},
        warnings=tuple(gate.warnings),
    )


def read_stored(path: Path, gate: Gate) -> StoredImage:
    """Return the image by what the file holds, whatever its name."""
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    stream = DeflateReader(path) if start.startswith(GZIP_MAGIC) else None
    if stream is not None:
        start = stream.read_start(_START_BYTES)
    if is_nifti(start):
        return read_nifti(path, stream, gate)
    if stream is None and is_metaimage(start):
        return read_metaimage(path)
    if stream is None and is_nrrd(start):
        return read_nrrd(path)
    raise refusal(KNOWN_FORMAT, _kind_of(start, path), path.name, expected="a NIfTI, MetaImage or NRRD image")


def _kind_of(start: bytes, path: Path) -> str:
    """Return in words what a file is that starts with these bytes."""
    if not start:
        return "an empty file"
    if start[128:132] == b"DICM":
        return "one DICOM file (give the folder of its series, unpacked)"
    if kind := archive_kind(start):
        return f"a {kind} archive (unpack it and give the folder, or a zip of it)"
    if is_half_of_pair(path) or is_half_of_nifti_pair(start):
        return "one half of an .hdr/.img pair (Analyze or NIfTI; convert it to one .nii file)"
    return "text" if _is_text(start) else "unknown binary content"


def _is_text(start: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
