"""What a fuzzer works on: a sound input, the ways it is damaged, how it is read, and what no damage may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

# What was read of an input; each family compares its own kind.
Found = Any


@dataclass(frozen=True)
class Subject:
    """One sound input.

    Args:
        name: what it is.
        sound: its bytes, or those of the one file of several that is damaged.
        damage: returns the bytes damaged by a generator's choice.
        read: reads the input with these bytes in place of the sound ones, through a public door.
        is_equal: whether two results are the same to a user.
        silent: says in words what of a result the format could have told to be damaged, and was not; empty otherwise.
    """

    name: str
    sound: bytes
    damage: Callable[[bytes, Random], bytes]
    read: Callable[[bytes], Found]
    is_equal: Callable[[Found, Found], bool] = lambda sound, found: bool(sound == found)
    silent: Callable[[Found, Found], str] = lambda sound, found: ""


@dataclass(frozen=True)
class Family:
    """Inputs of one kind.

    Args:
        name: its name in the table.
        share: how many inputs it has of every thousand.
        subjects: writes its sound inputs into a folder and returns them.
    """

    name: str
    share: int
    subjects: Callable[[Path], list[Subject]]


def in_file(path: Path, read: Callable[[Path], Found]) -> Callable[[bytes], Found]:
    """Return what writes bytes to a path and reads that."""

    def write_and_read(content: bytes) -> Found:
        path.write_bytes(content)
        return read(path)

    return write_and_read


def never(sound: Found, found: Found) -> str:
    """Say that any result but the sound one is silently wrong: the format has a checksum over all of it."""
    return "" if sound == found else "other content under a checksum"
