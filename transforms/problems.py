"""What can be wrong with an input, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum


class ProblemCode(str, Enum):
    """Stable names of the problems that a scan or a nodule can have; the value is what results.json carries."""

    UNREADABLE = "unreadable"
    NOT_CT = "not_ct"
    NO_PIXELS = "no_pixels"
    NO_GEOMETRY = "no_geometry"
    CONFLICTING_GEOMETRY = "conflicting_geometry"
    UNKNOWN_UNITS = "unknown_units"
    MIXED_SERIES = "mixed_series"
    LOCALIZER = "localizer"
    DUPLICATE_SLICES = "duplicate_slices"
    MISSING_SLICES = "missing_slices"
    NONUNIFORM_SPACING = "nonuniform_spacing"
    TILTED = "tilted"
    INCONSISTENT_SLICES = "inconsistent_slices"
    TRUNCATED = "truncated"
    NOT_HOUNSFIELD = "not_hounsfield"
    LOSSY = "lossy"
    THICK_SLICES = "thick_slices"
    TOO_FEW_SLICES = "too_few_slices"
    NO_LUNG = "no_lung"
    UNSAFE_ARCHIVE = "unsafe_archive"
    FRAME_MISMATCH = "frame_mismatch"
    FRAME_DOUBTFUL = "frame_doubtful"
    NODULE_OUTSIDE = "nodule_outside"
    BAD_NODULE = "bad_nodule"
    UNTRUSTED_BUNDLE = "untrusted_bundle"
    NOT_DICOM = "not_dicom"

    def __str__(self) -> str:
        return self.value


def printable(text: str) -> str:
    """Return a text that is safe to print and stays on one line: control characters are escaped."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


# A name inside an archive has up to 65 535 bytes; a line to be read has fewer.
_MOST_LETTERS, _MOST_OF_ITEM = 2000, 300


def _line(text: str, most: int) -> str:
    line = printable(text)
    return line if len(line) <= most else f"{line[:most]}..."


@dataclass(frozen=True)
class Problem:
    """One problem: its code, one line of expected and got, and the offending items (slices, rows, nodules) by name."""

    code: ProblemCode
    message: str
    items: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        # Names and header values come from outside: a line break or an escape sequence must not reach the terminal.
        object.__setattr__(self, "message", _line(self.message, _MOST_LETTERS))
        object.__setattr__(self, "items", tuple(_line(item, _MOST_OF_ITEM) for item in self.items))

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NodulusError(ValueError):
    """Base of every error that nodulus raises about its input."""


class UsageError(NodulusError):
    """The call itself is wrong: a path that does not exist, a table with a bad row, an unknown option value."""


class InputRefusedError(NodulusError):
    """The input was understood and refused; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def refuse(code: ProblemCode, message: str, items: tuple[str, ...] = ()) -> InputRefusedError:
    """Return the error to raise for a refused input."""
    return InputRefusedError(Problem(code, message, items))


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it was raised from, and so on to the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def refusal_in(error: BaseException) -> InputRefusedError | UsageError | None:
    """Return what an error says of the input; None for an error of ours. MONAI wraps what its transforms raise."""
    return next((cause for cause in causes_of(error) if isinstance(cause, InputRefusedError | UsageError)), None)


def internal_error(error: BaseException) -> str:
    """Return in one line what an error of ours is, by its first cause."""
    first = list(causes_of(error))[-1]
    return f"{type(first).__name__}: {first}".splitlines()[0].removesuffix(": ")


def problem_codes(allow: str | Collection[str]) -> tuple[ProblemCode, ...]:
    """Return the problem codes of some words, or of a comma-separated text, as a single one comes from a command line.

    Raises:
        UsageError: when a word is no problem code.
    """
    words = [str(word).strip() for word in (allow.split(",") if isinstance(allow, str) else allow)]
    known = {code.value: code for code in ProblemCode}
    unknown = [word for word in words if word and word not in known]
    if unknown:
        msg = f"Expected problem codes to allow ({', '.join(known)}), got '{unknown[0]}'"
        raise UsageError(msg)
    return tuple(known[word] for word in words if word)
