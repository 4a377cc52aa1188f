"""`SHA256SUMS`: the hash of every file of a packed bundle, as `sha256sum -c` reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .finding import Finding, Kind

MANIFEST = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def manifest_text(sha256_by_name: Mapping[str, str]) -> str:
    """Return the manifest of some files, by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sha256_by_name.items()))


def manifest_found(text: str, sha256_by_name: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each file that a manifest lists: whether it is there, and is what was packed; and for others.

    What a run left in the folder is in no manifest: it is judged by what it is, as in a bundle that has none.
    """
    listed = {MANIFEST}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            yield Finding(MANIFEST, f"line {number}", Kind.HASH, line, "no hash and name")
            continue
        stated, name = match.groups()
        listed.add(name)
        digest = sha256_by_name.get(name)
        problem = "" if digest == stated else "missing" if digest is None else "changed since it was packed"
        yield Finding(name, "", Kind.HASH, stated[:12], problem)
    for name in sorted(sha256_by_name.keys() - listed):
        yield Finding(name, "", Kind.HASH, "that the manifest does not have")
