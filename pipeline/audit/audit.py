"""Reads a bundle, ours or another's, and says what of it would act; nothing of it is run."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from nodulus.pipeline.files import sha256_of_stream
from nodulus.transforms.sources.zip_sources import ARCHIVE_ERRORS

from .calibration_check import calibration_found
from .export_manifest import exports_found
from .file_kinds import file_found
from .finding import Finding
from .manifest import MANIFEST, manifest_found
from .own_code import CODE_FOLDER, own_code
from .places import BundleFile, bundle_files

_MOST_BYTES = 2**20  # of a manifest


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Args:
        place: the bundle.
        findings: in the order of the files.
        sizes: the size of each file, by name.
        sha256: the hash of each file, by name; empty where none was asked for, and the bundle has no manifest.
    """

    place: Path
    findings: tuple[Finding, ...]
    sizes: Mapping[str, int]
    sha256: Mapping[str, str]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What is not on the allow-list."""
        return tuple(finding for finding in self.findings if not finding.is_allowed)


def audit_bundle(place: Path, *, is_hashed: bool = True, held: Mapping[str, bytes] | None = None) -> Audit:
    """Return what a bundle would run, and which of it is not on the allow-list.

    Args:
        place: the bundle's folder, or a zip of one, which is not extracted.
        is_hashed: hash every file; a bundle with a manifest is hashed anyway.
        held: contents of files that were read already, by name: what is judged is then what the caller will use.

    Raises:
        UsageError: there is no such bundle.
    """
    with bundle_files(Path(place)) as (there, found):
        files = [_holding(file, held or {}) for file in there]
        has_copy = any(file.name.startswith(f"{CODE_FOLDER}/") for file in files)
        own = own_code() if has_copy else {}
        names = {file.name for file in files}
        findings = [*found, *(finding for file in files for finding in file_found(file, own, names))]
        manifest = next((file for file in files if file.name == MANIFEST), None)
        sha256 = {file.name: _sha256_of(file) for file in files} if is_hashed or manifest else {}
        if manifest is not None:
            findings += manifest_found(manifest.read(_MOST_BYTES).decode("utf-8", "replace"), sha256)
        if sha256:
            findings += calibration_found(files, sha256)
            findings += exports_found(files, sha256)
    return Audit(Path(place), tuple(findings), {file.name: file.size for file in files}, sha256)


def _holding(file: BundleFile, held: Mapping[str, bytes]) -> BundleFile:
    content = held.get(file.name)
    return file if content is None else replace(file, size=len(content), open=_opener(content))


def _opener(content: bytes) -> Callable[[], IO[bytes]]:
    return lambda: io.BytesIO(content)


def _sha256_of(file: BundleFile) -> str:
    """Return the hash of a file; empty where it cannot be read, which its finding says."""
    try:
        with file.open() as stream:
            return sha256_of_stream(stream)
    except ARCHIVE_ERRORS:
        return ""
