"""Which bytes a scan is, whoever keeps them: one hash of all its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nodulus.pipeline.files import sha256_of
from nodulus.transforms.scan.cache import file_stamp
from nodulus.transforms.scan.open import is_place


def scan_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a scan's files, hexadecimal; None of a place that is not there or cannot be read.

    A file alone gives its own hash. Of several, as of a folder, it is that of the lines ``HASH  NAME`` that
    ``sha256sum`` prints for them from within the folder, in the order of their names' bytes.
    """
    try:
        return _sha256(path) if is_place(path) else None
    except OSError:
        return None


def _sha256(path: Path) -> str:
    names = [Path(name) for name, _, _ in file_stamp(path)]
    if names == [path]:
        return sha256_of(path)
    home = path if path.is_dir() else path.parent
    relative = sorted((name.relative_to(home).as_posix(), name) for name in names)
    lines = "".join(f"{sha256_of(name)}  {shown}\n" for shown, name in relative)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
