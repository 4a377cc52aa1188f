"""Outputs appear whole or not at all, what a place does not take is said by its name, and a file has one hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nodulus.transforms.problems import UsageError


def check_output_dir(path: Path) -> None:
    """Raise UsageError unless files can be written into a folder, which need not be there yet; leave no trace."""
    made: list[Path] = []
    try:
        whole = Path(path).absolute()
        for folder in (*reversed(whole.parents), whole):
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
        tempfile.TemporaryFile(dir=whole).close()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise UsageError(f"Expected a folder to write to, got {path}: {reason}") from error
    finally:
        for folder in reversed(made):
            folder.rmdir()


@contextmanager
def write_errors_named(path: Path, hint: str = "") -> Iterator[None]:
    """Turn what the system says of a full, lost or locked disk into a UsageError that names the path.

    Args:
        path: what is written.
        hint: what else to say.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by Python code, for a reason of its own
            raise
        raise UsageError(f"Expected to write {path}, got: {error.strerror}{hint}") from error


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, of the same suffix; on success it takes the place of ``path``.

    On an error the temporary file is removed and what stood at ``path`` stays.

    Raises:
        UsageError: the disk does not take the file.
    """
    with write_errors_named(path), _folder_beside(path) as folder:
        temporary = folder / path.name
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - replaces an existing file on every platform, and says so


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; on success it takes the place of ``path`` and what was in it.

    Raises:
        UsageError: the disk does not take the folder.
    """
    with write_errors_named(path), _folder_beside(path) as folder:
        temporary = folder / "new"
        temporary.mkdir()
        yield temporary
        if path.exists():
            shutil.move(path, folder / "old")
        os.replace(temporary, path)  # noqa: PTH105 - as above


def write_text(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all, and return its path."""
    return write_texts(path, (text,))


def write_texts(path: Path, parts: Iterable[str]) -> Path:
    """Write a text file part by part, whole or not at all, and return its path."""
    with replacing_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(parts)
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal; however large it is, little of it is in memory."""
    with path.open("rb") as file:
        return sha256_of_stream(file)


def sha256_of_stream(stream: IO[bytes]) -> str:
    """Return the SHA-256 of what is left of a stream, hexadecimal."""
    digest = hashlib.sha256()
    while part := stream.read(2**20):
        digest.update(part)
    return digest.hexdigest()


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """Yield a temporary folder on the disk of ``path``, from which a file moves there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
