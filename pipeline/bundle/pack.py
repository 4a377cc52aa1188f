"""A bundle as one zip: the same input gives the same bytes, and nodulus' code travels with it."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

from nodulus.pipeline.audit.manifest import MANIFEST, manifest_text
from nodulus.pipeline.audit.own_code import CODE_FOLDER, own_code
from nodulus.pipeline.files import replacing_file, sha256_of

# What a run leaves in a bundle's folder is no part of it.
_LEFT_BY_RUNS = frozenset([CODE_FOLDER, "eval", "__pycache__"])
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say
_MODE = stat.S_IFREG | 0o644
_UNIX = 3


def pack_bundle(bundle: Path, archive: Path) -> Path:
    """Write a bundle as a zip that MONAI runs without nodulus being installed, and return its path.

    Everything lies in a folder of the bundle's name, as in the zips of MONAI's model zoo: the bundle's files, this
    installation's code in `nodulus/`, and the hash of each in `SHA256SUMS`. Names are sorted, times and rights are
    fixed, and nothing is compressed, as two versions of zlib may differ in a byte.

    Args:
        bundle: the bundle's folder; its audit has passed, so that no link leads out of it.
        archive: where the zip is written, whole or not at all.
    """
    files = _bundle_files(bundle) | own_code()
    sums = manifest_text({name: sha256_of(path) for name, path in files.items()})
    with replacing_file(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted([*files, MANIFEST]):
            content = sums.encode() if name == MANIFEST else files[name].read_bytes()
            packed.writestr(_member(f"{bundle.name}/{name}"), content)
    return archive


def _bundle_files(bundle: Path) -> dict[str, Path]:
    """Return the files of a bundle's folder by name, without those that a run or an earlier packing left."""
    paths = {path.relative_to(bundle).as_posix(): path for path in bundle.rglob("*") if path.is_file()}
    return {name: path for name, path in paths.items() if name != MANIFEST and not _is_left(PurePosixPath(name))}


def _is_left(name: PurePosixPath) -> bool:
    return name.parts[0] in _LEFT_BY_RUNS or "__pycache__" in name.parts or name.name.startswith(".")


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _NO_TIME)
    member.external_attr = _MODE << 16
    member.create_system = _UNIX
    return member
