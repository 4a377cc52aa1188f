"""Where the bytes of a scan's files come from: a folder, one file, or memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nodulus.transforms.gate.place_rules import FOLDER_DEPTH, FOLDER_FILES, READABLE
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.problems import printable


class ByteSource(Protocol):
    """One file of a scan: its name to show, its size in bytes, and any part of it."""

    @property
    def name(self) -> str:
        """Name to show, relative to the place that was opened."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    @property
    def reads_anywhere(self) -> bool:
        """Whether a read far into the file costs no more than one at its start."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; OSError where they cannot be read."""

    def verify(self) -> None:
        """Compare the file with the checksum that its place keeps, where it keeps one; OSError where they differ."""


@dataclass(frozen=True)
class FileSource:
    """A file on disk."""

    path: Path
    name: str
    size: int
    reads_anywhere: bool = True

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        with self.path.open("rb", buffering=0) as stream:
            if offset:
                stream.seek(offset)
            return stream.read(length) or b""

    def verify(self) -> None:
        """Do nothing: a file system keeps no checksum to compare with."""


@dataclass(frozen=True)
class MemorySource:
    """A file that is in memory already."""

    name: str
    content: bytes
    reads_anywhere: bool = True

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        return self.content[offset : offset + length]

    def verify(self) -> None:
        """Do nothing: what is in memory was compared when it was read."""


def in_memory(source: ByteSource) -> ByteSource:
    """Return a source whose every read is cheap: a zip's member is inflated once, not from its start each time."""
    return source if source.reads_anywhere else MemorySource(source.name, source.read(0, source.size))


def folder_sources(folder: Path, gate: Gate) -> list[ByteSource]:
    """Return the files of a folder and its subfolders in the order of their names; no link to a folder is followed."""
    sources: list[ByteSource] = []
    for path in _files_below(folder, gate):
        sources.append(FileSource(path, printable(path.name), path.stat().st_size))
        if len(sources) > FOLDER_FILES.limit:
            gate.refuse(FOLDER_FILES, "more", printable(folder.name))
    if not sources and (link := _linked_folder(folder)) is not None:
        got = f"nothing but a link to a folder, {link.name}, that is not followed (give the folder itself)"
        gate.refuse(READABLE, got, printable(folder.name), expected="files")
    return sources


def _linked_folder(folder: Path) -> Path | None:
    return next((path for path in sorted(folder.rglob("*")) if path.is_symlink() and path.is_dir()), None)


def _files_below(folder: Path, gate: Gate) -> Iterator[Path]:
    n_above = len(folder.parts)
    for place, folders, names in os.walk(folder, onerror=_raise):
        below = Path(place)
        if len(below.parts) - n_above > FOLDER_DEPTH.limit:
            gate.refuse(FOLDER_DEPTH, f"more down to a folder {printable(below.name)}")
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        for name in sorted(names):
            path = below / name
            if not is_clutter(name) and path.is_file():
                yield path


def _raise(error: OSError) -> None:
    raise error


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is what a desktop leaves behind."""
    return name.startswith(".") or name == "__MACOSX"
