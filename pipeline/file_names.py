"""Names that users chose as names of files, on every system."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence


def file_names(names: Sequence[str], suffix: str = "", fallback: str = "case") -> list[str]:
    """Return a file name for each name: itself where that is one on every system, else one with a hash added.

    >>> file_names(["n1", "../n1", "N1"], ".png")
    ['n1.png', 'n1-3a2f92a8.png', 'N1-3db2b4ec.png']
    """
    chosen: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:80]
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        is_fit = plain == name and plain.lower() not in taken
        chosen.append(f"{plain if is_fit else f'{plain or fallback}-{digest}'}{suffix}")
        taken.add(chosen[-1].removesuffix(suffix).lower())
    return chosen
