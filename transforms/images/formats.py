"""Whether a file is one half of an .hdr/.img pair, which is not read: nothing ties the halves but their names."""

from __future__ import annotations

from pathlib import Path

# What the header's first number says is its length: Analyze and NIfTI-1, or NIfTI-2.
_HEADER_STARTS = tuple(n_bytes.to_bytes(4, order) for n_bytes in (348, 540) for order in ("little", "big"))


def is_half_of_pair(path: Path) -> bool:
    """Return whether the file is the header or the voxels of an Analyze or NIfTI pair."""
    suffix = path.suffix.lower()
    header = path.with_suffix(".hdr") if suffix == ".img" else path
    if suffix not in (".hdr", ".img") or not header.is_file():
        return False
    with header.open("rb") as file:
        return file.read(4) in _HEADER_STARTS
