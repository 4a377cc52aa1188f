"""Where the bytes of a scan's files come from: a folder, one file, or a zip that is never extracted."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .gate import Gate
from .gate_rules import ARCHIVE_FILES, ARCHIVE_NAMES, ARCHIVE_NESTED, ARCHIVE_RATIO, ARCHIVE_SIZE, FOLDER_FILES

_GIB = 1 << 30
_MIB = 1 << 20
_RATIO_FREE_BYTES = 64 * _MIB
_NESTED_SUFFIXES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_NESTED_MAGIC = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!")


class ByteSource(Protocol):
    """One file of a scan: its name to show, its size in bytes, and any part of it."""

    @property
    def name(self) -> str:
        """Name to show, relative to the place that was opened."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; OSError where they cannot be read."""


@dataclass(frozen=True)
class FileSource:
    """A file on disk."""

    path: Path
    name: str
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        with self.path.open("rb", buffering=0) as stream:
            if offset:
                stream.seek(offset)
            return stream.read(length) or b""


@dataclass(frozen=True)
class MemorySource:
    """A file that is in memory already."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        return self.content[offset : offset + length]


@dataclass(frozen=True)
class ZipSource:
    """A member of a zip archive, decompressed in memory as far as it is asked for."""

    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

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
            with self.archive.open(self.member) as stream:
                stream.seek(offset)
                return stream.read(length)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise OSError(f"{self.name} is damaged in the archive") from error


def printable(name: str) -> str:
    """Return a name that is safe to print: control characters are escaped."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in name)


def folder_sources(folder: Path, gate: Gate) -> list[ByteSource]:
    """Return the files of a folder and its subfolders in the order of their names; no link to a folder is followed."""
    sources: list[ByteSource] = []
    for path in _files_below(folder):
        sources.append(FileSource(path, printable(path.name), path.stat().st_size))
        if len(sources) > FOLDER_FILES.tolerance:
            gate.broken(FOLDER_FILES, f"Expected at most {FOLDER_FILES.limit}, got more in {printable(folder.name)}")
    return sources


def _files_below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            yield from () if entry.is_symlink() else _files_below(entry)
        elif entry.is_file():
            yield entry


def zip_sources(path: Path, gate: Gate) -> list[ByteSource]:
    """Return the members of a zip after the checks that keep it harmless."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise OSError(f"{path.name} is no complete zip archive") from error
    members = [member for member in archive.infolist() if not member.is_dir()]
    _check_amount(path, members, gate)
    _check_members(path, members, gate)
    members = [member for member in members if not _is_clutter(member.filename)]
    sources: list[ByteSource] = [ZipSource(archive, member) for member in members]
    for source in sources:
        if source.name.lower().endswith(_NESTED_SUFFIXES) or _head(source).startswith(_NESTED_MAGIC):
            gate.broken(ARCHIVE_NESTED, f"Expected no archive inside {path.name}, got {source.name}", [source.name])
    return sources


def _head(source: ByteSource) -> bytes:
    """Return the first bytes; a damaged member is the header reader's to report."""
    try:
        return source.read(0, 8)
    except OSError:
        return b""


def _is_clutter(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _check_amount(path: Path, members: list[zipfile.ZipInfo], gate: Gate) -> None:
    if len(members) > ARCHIVE_FILES.tolerance:
        gate.broken(ARCHIVE_FILES, f"Expected at most {ARCHIVE_FILES.limit}, got {len(members)} in {path.name}")
    total = sum(member.file_size for member in members)
    if total > ARCHIVE_SIZE.tolerance * _GIB:
        gate.broken(ARCHIVE_SIZE, f"Expected at most {ARCHIVE_SIZE.limit}, got {total / _GIB:.1f} GiB in {path.name}")
    ratio = total / max(path.stat().st_size, 1)
    if total > _RATIO_FREE_BYTES and ratio > ARCHIVE_RATIO.tolerance:
        gate.broken(ARCHIVE_RATIO, f"Expected a ratio of at most {ARCHIVE_RATIO.limit}, got {ratio:.0f} in {path.name}")


def _check_members(path: Path, members: list[zipfile.ZipInfo], gate: Gate) -> None:
    for member in members:
        name, what = member.filename, ""
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name[:3]:
            what = "a name that leads out of it"
        elif stat.S_ISLNK(member.external_attr >> 16):
            what = "a link"
        elif member.flag_bits & 0x1:
            what = "an encrypted member"
        if what:
            gate.broken(
                ARCHIVE_NAMES,
                f"Expected plain members in {path.name}, got {what}: {printable(name)}",
                [printable(name)],
            )
