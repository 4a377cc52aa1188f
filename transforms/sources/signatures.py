"""The names and first bytes by which files of images are known before a reader is chosen."""

from __future__ import annotations

# Names of NIfTI, MetaImage and NRRD files, in small letters.
IMAGE_SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr")

GZIP_MAGIC = b"\x1f\x8b"
NRRD_MAGIC = b"NRRD000"

# The bytes that tell a NIfTI file, once inflated.
NIFTI_START_BYTES = 352


def is_nifti(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is a single-file NIfTI-1 or NIfTI-2."""
    return is_nifti_1(start) or start[4:8] == b"n+2\0"


def is_nifti_1(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is a single-file NIfTI-1."""
    return start[344:348] == b"n+1\0"


def is_half_of_nifti_pair(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is the header of a NIfTI-1 pair."""
    return start[344:348] == b"ni1\0"
