"""Outputs appear whole or not at all, a place that takes none is refused before the work, and a file has one hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, of the same suffix; on success it takes the place of ``path``.

    On an error the temporary file is removed and what stood at ``path`` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - replaces an existing file on every platform, and says so


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; on success it takes the place of ``path`` and what was in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
        temporary = Path(folder) / "new"
        temporary.mkdir()
        yield temporary
        if path.exists():
            shutil.move(path, Path(folder) / "old")
        os.replace(temporary, path)  # noqa: PTH105 - as above


def write_text(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all, and return its path."""
    with replacing_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal; however large it is, little of it is in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
