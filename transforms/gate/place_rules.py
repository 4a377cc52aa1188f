"""What is expected of the place that holds a scan: its folders, archives and files, of whatever format."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .rule import GateRule, Limit

READABLE = GateRule(Code.UNREADABLE, "at least one readable image", "Nothing can be said of an empty place.")
FOLDER_FILES = GateRule(
    Code.UNREADABLE,
    "at most {at_most} in a folder",
    "More is no study but a disk; the longest chest series seen hold 3000 slices.",
    {"at_most": Limit(20000, "files")},
)
FOLDER_DEPTH = GateRule(
    Code.UNREADABLE,
    "at most {at_most} in each other",
    "Patient, study, series and what an export adds are ten at most.",
    {"at_most": Limit(32, "folders")},
)
ARCHIVE_NAMES = GateRule(
    Code.UNSAFE_ARCHIVE,
    "plain members inside the archive, no links, no passwords",
    "A name that leads out of the archive is an attack or damage; members are read in memory, never extracted.",
)
ARCHIVE_NESTED = GateRule(
    Code.UNSAFE_ARCHIVE, "no archive inside the archive", "Nesting is how a small file becomes an unbounded one."
)
ARCHIVE_FILES = GateRule(
    Code.UNSAFE_ARCHIVE,
    "at most {at_most} in the archive",
    "The longest chest series seen hold 3000 slices.",
    {"at_most": Limit(20000, "files")},
)
ARCHIVE_SIZE = GateRule(
    Code.UNSAFE_ARCHIVE,
    "at most {at_most} once decompressed",
    "3000 slices of 1024 x 1024 are 6 GiB.",
    {"at_most": Limit(8, "GiB")},
)
INFLATES_FAIRLY = GateRule(
    Code.UNREADABLE,
    "a compression ratio of at most {at_most} above {looked_at_above}",
    "CT compresses 2 to 4 times; zeros, 1000 times. A small file must not become an unbounded one.",
    {"at_most": Limit(200, ": 1"), "looked_at_above": Limit(64, "MiB")},
)
ARCHIVE_RATIO = GateRule(
    Code.UNSAFE_ARCHIVE,
    "a compression ratio of at most {at_most} above {looked_at_above}",
    "As for one file: zeros compress 1000 times.",
    INFLATES_FAIRLY.limits,
)
FILE_SIZE = GateRule(
    Code.UNREADABLE,
    "files of at most {at_most}",
    "A file is held in memory while it is decoded.",
    {"at_most": Limit(4, "GiB")},
)


def fair_size(n_bytes: int) -> int:
    """Return how long bytes may be once they are inflated, by the rule that a small file stays a bounded one.

    >>> fair_size(1000) == 64 << 20, fair_size(1 << 20) == 200 << 20
    (True, True)
    """
    free_bytes = int(INFLATES_FAIRLY["looked_at_above"] * (1 << 20))
    return max(free_bytes, int(INFLATES_FAIRLY["at_most"] * n_bytes))


PLACE_RULES: tuple[GateRule, ...] = tuple(rule for rule in list(globals().values()) if isinstance(rule, GateRule))
