"""The files of a bundle, in a folder or a zip that is never extracted, and what is wrong with where they lie."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nodulus.transforms.gate.place_rules import fair_size
from nodulus.transforms.problems import UsageError
from nodulus.transforms.sources.zip_sources import ARCHIVE_ERRORS, danger_of

from .finding import Finding, Kind

_MOST_FILES, _MOST_DEEP = 5000, 16
_PLAIN_NAME = re.compile(r"[\w .,+()@=-]+(/[\w .,+()@=-]+)*", re.ASCII)


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle: its name from the bundle's root, with slashes, its size, and how it is opened."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def read(self, at_most: int) -> bytes:
        """Return the file's first bytes; OSError where they cannot be read, or a zip's member is damaged."""
        try:
            with self.open() as stream:
                return stream.read(at_most)
        except ARCHIVE_ERRORS as error:
            raise OSError(str(error)) from error


@contextmanager
def bundle_files(place: Path) -> Iterator[tuple[list[BundleFile], list[Finding]]]:
    """Yield the files of a bundle's folder or zip by name, and what is wrong with names, links and amounts.

    Raises:
        UsageError: there is no such folder and no such zip.
    """
    with ExitStack() as stack:
        if place.is_dir():
            files, found = _in_folder(place)
        elif place.is_file() and zipfile.is_zipfile(place):
            try:
                archive = stack.enter_context(zipfile.ZipFile(place))
            except ARCHIVE_ERRORS as error:
                raise UsageError(f"Expected a bundle, got a damaged zip {place}: {error}") from error
            files, found = _in_zip(archive, place)
        else:
            raise UsageError(f"Expected a bundle's folder or a zip of one, got {place}")
        yield sorted(files, key=lambda file: file.name), [*found, *_problems_of_names(files)]


def _in_folder(root: Path) -> tuple[list[BundleFile], list[Finding]]:
    files: list[BundleFile] = []
    found: list[Finding] = []
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            found.append(Finding(folder.relative_to(root).as_posix(), "", Kind.FILE, "", f"cannot be read: {error}"))
            continue
        for entry in entries:
            name = Path(entry.path).relative_to(root).as_posix()
            if entry.is_dir(follow_symlinks=False) and name.count("/") < _MOST_DEEP:
                folders.append(Path(entry.path))
            elif problem := _problem_of_entry(entry, root):
                found.append(Finding(name, "", Kind.LINK if entry.is_symlink() else Kind.FILE, "", problem))
            else:
                files.append(BundleFile(name, entry.stat().st_size, _opener(entry.path)))
        if len(files) > _MOST_FILES:
            return files, [*found, _too_many(str(len(files)))]
    return files, found


def _problem_of_entry(entry: os.DirEntry[str], root: Path) -> str:
    """Return what is wrong with an entry that should be a file; empty where nothing is."""
    if entry.is_dir(follow_symlinks=False):
        return f"a folder nested more than {_MOST_DEEP} deep"
    if entry.is_symlink() and not os.path.realpath(entry.path).startswith(os.path.realpath(root) + os.sep):
        return "a link that leads out of the bundle"
    if entry.is_symlink() and entry.is_dir():
        return "a link to a folder"
    return "" if entry.is_file() else "no regular file"


def _opener(path: str) -> Callable[[], IO[bytes]]:
    return lambda: Path(path).open("rb")


def _in_zip(archive: zipfile.ZipFile, place: Path) -> tuple[list[BundleFile], list[Finding]]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    unpacked = sum(member.file_size for member in members)
    is_fair = all(member.file_size <= fair_size(member.compress_size) for member in members)
    if len(members) > _MOST_FILES or not is_fair or unpacked > fair_size(place.stat().st_size):
        return [], [_too_many(f"{len(members)} files of {unpacked} bytes")]
    found = [
        Finding(member.filename, "", Kind.LINK if stat.S_ISLNK(member.external_attr >> 16) else Kind.NAME, "", danger)
        for member in archive.infolist()
        if (danger := danger_of(member))
    ]
    top = _top_folder(members)
    return [
        BundleFile(member.filename[len(top) :], member.file_size, _member_opener(archive, member))
        for member in members
        if not danger_of(member)
    ], found


def _member_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)


def _top_folder(members: Iterable[zipfile.ZipInfo]) -> str:
    """Return the folder that a zip holds everything in, as the zoo's do, with its slash; empty where it has none."""
    tops = {member.filename.partition("/")[::2] for member in members}
    names = {first for first, rest in tops if rest}
    is_one = len(names) == 1 and all(rest for _, rest in tops) and not any(first == "configs" for first in names)
    return f"{names.pop()}/" if is_one else ""


def _problems_of_names(files: Iterable[BundleFile]) -> Iterator[Finding]:
    alike = Counter(file.name.casefold() for file in files)
    for file in files:
        if not _PLAIN_NAME.fullmatch(file.name):
            yield Finding(file.name, "", Kind.NAME, "", "more than plain letters, digits and marks")
        if alike[file.name.casefold()] > 1:
            yield Finding(file.name, "", Kind.NAME, "", "stands twice, for a system that takes capitals for small ones")


def _too_many(what: str) -> Finding:
    return Finding("", "", Kind.FILE, what, f"more than {_MOST_FILES} files, or much more than was packed")
