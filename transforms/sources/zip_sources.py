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
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.problems import printable

from .byte_sources import ByteSource, is_clutter
from .inflater import INFLATE_ERRORS
from .recent_members import RecentMembers
from .shared_zip import SharedZip
from .zip_end_record import stated_members
from .zip_member import whole_member

_GIB = 1 << 30
_NESTED_SUFFIXES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
# A header's; a longer read may be one of pixels.
_START_BYTES = 1 << 16
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
# What a member that is not whole ends in.
_DAMAGE: tuple[type[Exception], ...] = (*ARCHIVE_ERRORS, *INFLATE_ERRORS)
_RECENT = RecentMembers()


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
        """Return up to ``length`` bytes from ``offset``; of all but a member's start once its checksum is compared.

        A header is read without: ``verify`` is for those on which something rests and whose pixels are never read.
        """
        is_start = offset + length <= _START_BYTES < self.size
        if not is_start and (known := _RECENT.get(self.archive, self.member)) is not None:
            return known[offset : offset + length]
        try:
            # zipfile compares names and flags where it opens a member, for a whole one too.
            with self.archive.here().open(self.member) as stream:
                data = (
                    stream.read(offset + length) if is_start else whole_member(self.archive.path, self.member, stream)
                )
        except _DAMAGE as error:
            raise OSError(f"{self.name} is damaged in the archive") from error
        if data.startswith(_NESTED_MAGIC):
            raise refusal(ARCHIVE_NESTED, self.name, printable(self.archive.path.name), [self.name])
        if not is_start:
            if len(data) != self.size:
                raise OSError(f"{self.name} is damaged in the archive")
            _RECENT.keep(self.archive, self.member, data)
        return data[offset : offset + length]

    def verify(self) -> None:
        """Compare the member with its checksum; OSError where they differ."""
        self.read(0, max(self.size, _START_BYTES + 1))


def zip_sources(path: Path, gate: Gate) -> list[ByteSource]:
    """Return the members of a zip after the checks that keep it harmless; OSError where it is no sound archive."""
    archive = SharedZip(path)
    try:
        everything = archive.here().infolist()
    except ARCHIVE_ERRORS as error:
        raise OSError(f"{printable(path.name)} is no complete zip archive") from error
    n_stated = stated_members(path)
    if len(everything) != n_stated:
        raise OSError(f"a directory of {len(everything)} files where its end says {n_stated}")
    folders = {member for member in everything if member.filename.endswith("/") and member.file_size == 0}
    members = [member for member in everything if member not in folders]
    _check_amount(path, members, gate)
    _check_members(path, members, gate)
    clutter = {member for member in members if any(map(is_clutter, _parts(member.filename)))}
    _check_names(archive, [*folders, *clutter])
    sources: list[ByteSource] = [ZipSource(archive, member) for member in members if member not in clutter]
    for source in sources:
        if source.name.lower().endswith(_NESTED_SUFFIXES):
            gate.refuse(ARCHIVE_NESTED, source.name, printable(path.name), [source.name])
    return sources


def _check_names(archive: SharedZip, members: list[zipfile.ZipInfo]) -> None:
    """Raise OSError where a member that is passed over, for its name, has another name where it stands."""
    for member in members:
        try:
            archive.here().open(member).close()
        except ARCHIVE_ERRORS as error:
            raise OSError(f"{printable(member.filename)} is damaged in the archive") from error


def _parts(name: str) -> list[str]:
    return name.replace("\\", "/").split("/")


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
        what = danger_of(member)
        if what:
            name = printable(member.filename)
            gate.refuse(ARCHIVE_NAMES, f"{what}, {name},", printable(path.name), [name])


def danger_of(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with where a member says that it belongs; empty where nothing is."""
    name = member.filename
    is_drive = name[1:3] in (":\\", ":/") and name[0].isalpha()
    if not name.strip("\0") or name.startswith(("/", "\\")) or ".." in _parts(name) or is_drive:
        return "a name that leads out of it" if name else "a member without a name"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    return "an encrypted member" if member.flag_bits & 0x1 else ""
