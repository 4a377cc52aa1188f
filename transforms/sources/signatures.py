"""The names and first bytes by which files of images are known before a reader is chosen."""

from __future__ import annotations

# Names of NIfTI, MetaImage and NRRD files, in small letters.
IMAGE_SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr")

GZIP_MAGIC = b"\x1f\x8b"
NRRD_MAGIC = b"NRRD000"

# The bytes that tell a NIfTI file, once inflated.
NIFTI_START_BYTES = 352

_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "RAR",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
# What all of these are told by.
SIGNATURE_BYTES = 512
# The magic of a tar archive stands where the header of its first member ends.
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257


def archive_kind(start: bytes) -> str:
    """Return what kind of archive a (decompressed) file is that starts with these bytes; empty where it is none.

    >>> archive_kind(b"Rar!...")
    'RAR'
    """
    if start[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        return "tar"
    return next((kind for magic, kind in _ARCHIVES.items() if start.startswith(magic)), "")


def is_nifti(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is a single-file NIfTI-1 or NIfTI-2."""
    return is_nifti_1(start) or start[4:8] == b"n+2\0"


def is_nifti_1(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is a single-file NIfTI-1."""
    return start[344:348] == b"n+1\0"


def is_half_of_nifti_pair(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is the header of a NIfTI-1 pair."""
    return start[344:348] == b"ni1\0"
