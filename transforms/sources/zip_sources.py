"""The files of a zip archive, which is never extracted."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.gate.place_rules import (
    ARCHIVE_FILES,
    ARCHIVE_NAMES,
    ARCHIVE_NESTED,
    ARCHIVE_RATIO,
    ARCHIVE_SIZE,
    fair_size,
)
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.problems import printable

from .byte_sources import ByteSource, is_clutter
from .shared_zip import SharedZip

_GIB = 1 << 30
_NESTED_SUFFIXES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_NESTED_MAGIC = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!")

# What zipfile raises on damaged archives; each way of compression adds errors of its own.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class ZipSource:
    """A member of a zip archive, decompressed in memory as far as it is asked for."""

    archive: SharedZip
    member: zipfile.ZipInfo
    reads_anywhere: bool = False

    @property
    def name(self) -> str:
        """Name to show."""
        return printable(self.member.filename.rsplit("/", 1)[-1])

    @property
    def size(self) -> int:
        """Length once decompressed, as the archive declares it; no more is ever read."""
        return self.member.file_size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        try:
            with self.archive.here().open(self.member) as stream:
                stream.seek(offset)
                return stream.read(length)
        except ARCHIVE_ERRORS as error:
            raise OSError(f"{self.name} is damaged in the archive") from error


def zip_sources(path: Path, gate: Gate) -> list[ByteSource]:
    """Return the members of a zip after the checks that keep it harmless; OSError where it is no sound archive."""
    archive = SharedZip(path)
    try:
        everything = archive.here().infolist()
    except ARCHIVE_ERRORS as error:
        raise OSError(f"{printable(path.name)} is no complete zip archive") from error
    members = [member for member in everything if not member.filename.endswith("/")]
    _check_amount(path, members, gate)
    _check_members(path, members, gate)
    members = [member for member in members if not any(map(is_clutter, _parts(member.filename)))]
    sources: list[ByteSource] = [ZipSource(archive, member) for member in members]
    for source in sources:
        if source.name.lower().endswith(_NESTED_SUFFIXES) or _head(source).startswith(_NESTED_MAGIC):
            gate.refuse(ARCHIVE_NESTED, source.name, printable(path.name), [source.name])
    return sources


def _parts(name: str) -> list[str]:
    return name.replace("\\", "/").split("/")


def _head(source: ByteSource) -> bytes:
    """Return the first bytes; a damaged member is the header reader's to report."""
    try:
        return source.read(0, 8)
    except OSError:
        return b""


def _check_amount(path: Path, members: list[zipfile.ZipInfo], gate: Gate) -> None:
    name = printable(path.name)
    if len(members) > ARCHIVE_FILES.limit:
        gate.refuse(ARCHIVE_FILES, str(len(members)), name)
    total = sum(member.file_size for member in members)
    if total > ARCHIVE_SIZE.limit * _GIB:
        gate.refuse(ARCHIVE_SIZE, f"{total / _GIB:.1f} GiB", name)
    stored = max(path.stat().st_size, 1)
    if total > fair_size(stored):
        gate.refuse(ARCHIVE_RATIO, f"{total / stored:.0f} : 1", name)


def _check_members(path: Path, members: list[zipfile.ZipInfo], gate: Gate) -> None:
    for member in members:
        what = _danger(member)
        if what:
            name = printable(member.filename)
            gate.refuse(ARCHIVE_NAMES, f"{what}, {name},", printable(path.name), [name])


def _danger(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with a member; empty where nothing is."""
    name = member.filename
    is_drive = name[1:3] in (":\\", ":/") and name[0].isalpha()
    if not name.strip("\0") or name.startswith(("/", "\\")) or ".." in _parts(name) or is_drive:
        return "a name that leads out of it" if name else "a member without a name"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    return "an encrypted member" if member.flag_bits & 0x1 else ""
