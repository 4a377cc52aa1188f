"""Scans as a user reads them: by the command and by `open_ct`; and what of two of them must agree."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.command.help_text import with_brackets
from nodulus.pipeline.command.main import run
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.scan.open import open_ct

# Positions of one slice may differ by this much from a straight stack, and the gate says so beyond.
_TOLERANCE_MM = 0.25
_built = cache(with_brackets)


@dataclass(frozen=True, eq=False)
class Scan:
    """What was read of a scan.

    Args:
        size_xyz: of its grid.
        corners_lps_mm: of its grid.
        intensity_hu: its voxels.
        warnings: the codes that warn of it.
        are_pixels_kept: whether the damaged file holds all its pixels as they were, so that only a header was damaged.
    """

    size_xyz: tuple[int, int, int]
    corners_lps_mm: NDArray[np.float64]
    intensity_hu: NDArray[np.float32]
    warnings: tuple[str, ...]
    are_pixels_kept: bool = False


class DoorsDisagreeError(AssertionError):
    """The command and the Python door end differently, or the command says more than one line."""


def read_scan(path: Path) -> Scan:
    """Return a scan, read whole; the command `check` must end as the Python door does, in one line."""
    code, said = command(["check", str(path), "--json"])
    if code not in (0, 3) or said.count("\n") > 8:
        raise DoorsDisagreeError(f"nodulus check: exit code {code}, {said[:300]}")
    try:
        volume = open_ct(path)
    except InputRefusedError:
        if code != 3:
            raise DoorsDisagreeError(f"refused by open_ct, exit code {code} of nodulus check") from None
        raise
    size = volume.grid.size_xyz
    ends = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in size], indexing="ij"), axis=-1).reshape(-1, 3)
    return Scan(size, volume.grid.lps_from_voxel(ends), volume.read_all(), tuple(str(w.code) for w in volume.warnings))


def command(arguments: list[str]) -> tuple[int, str]:
    """Return the exit code of a command line, and what it printed on standard error."""
    out, err = io.StringIO(), io.StringIO()
    # To build the command takes ten times as long as to run it.
    is_built = mock.patch("nodulus.pipeline.command.main.with_brackets", _built)
    with is_built, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    return code, err.getvalue()


def is_same_scan(sound: Scan, found: Scan) -> bool:
    """Return whether two scans have one grid and the same voxels."""
    return is_same_grid(sound, found) and np.array_equal(sound.intensity_hu, found.intensity_hu)


def is_same_grid(sound: Scan, found: Scan) -> bool:
    """Return whether two scans have one grid, within the gate's tolerance."""
    is_near = np.abs(sound.corners_lps_mm - found.corners_lps_mm).max() <= _TOLERANCE_MM
    return sound.size_xyz == found.size_xyz and bool(is_near)


def warns_of_more(sound: Scan, found: Scan) -> bool:
    """Return whether a scan is warned of for something that the sound one is not."""
    return bool(Counter(found.warnings) - Counter(sound.warnings))


def other_scan(sound: Scan, found: Scan) -> str:
    """Say what differs without a warning: for places where a checksum covers all that is read."""
    if warns_of_more(sound, found) or is_same_scan(sound, found):
        return ""
    return "other voxels under a checksum" if is_same_grid(sound, found) else "another grid under a checksum"


def other_values(sound: Scan, found: Scan) -> str:
    """Say nothing: a single header states its numbers once, and any number that parses is as good as another."""
    return ""


def other_frames(sound: Scan, found: Scan) -> str:
    """Say whether frames, whose positions must agree, give another grid without a warning."""
    if warns_of_more(sound, found) or is_same_grid(sound, found):
        return ""
    return f"another grid without a warning: {sound.size_xyz} is {found.size_xyz}"


def other_beside(damaged_k: int) -> Callable[[Scan, Scan], str]:
    """Return what judges a series of which one slice was damaged: the grid and the other slices must not change."""

    def say(sound: Scan, found: Scan) -> str:
        if warns_of_more(sound, found):
            return ""
        if not is_same_grid(sound, found):
            return f"another grid without a warning: {sound.size_xyz} is {found.size_xyz}"
        differs = set(np.flatnonzero((sound.intensity_hu != found.intensity_hu).any(axis=(0, 1))).tolist())
        if differs - {damaged_k}:
            return "other voxels of slices that were not damaged"
        return "other voxels by a header alone" if differs and found.are_pixels_kept else ""

    return say
