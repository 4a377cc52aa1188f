"""Which cases of a table are one shard's: by a hash of their names, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import Field

from nodulus.pipeline.records import Record
from nodulus.pipeline.results.record import as_unicode
from nodulus.transforms.problems import UsageError

from .cases import Case
from .open_case import OpenCase

# The option that asks for one, as a manifest calls it.
SHARD = "shard"


class Shard(Record):
    """One part of a run that several processes share, as ``--shard 2/4`` names it.

    ``places`` says of each of its cases where it stands in the table, from 0: what puts the parts' results into the
    table's order again.
    """

    number: int
    of: int
    places: dict[str, int] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, case_id: str) -> bool:
        """Return whether a case is this shard's: its name decides, so that no other case of the table moves it."""
        return _hash(case_id) % self.of == self.number - 1

    def among(self, cases: Sequence[Case]) -> tuple[Shard, list[Case]]:
        """Return the shard with the places of its cases, and these cases, both in the table's order."""
        mine = [(place, case) for place, case in enumerate(cases) if self.holds(case.case_id)]
        places = {as_unicode(case.case_id): place for place, case in mine}
        return self.model_copy(update={"places": places}), [case for _, case in mine]


def cases_of(shard: Shard | None, cases: Sequence[Case | OpenCase]) -> tuple[Shard | None, Sequence[Case | OpenCase]]:
    """Return a shard with the places of its cases, and these; all of them where no shard is asked for.

    Raises:
        UsageError: there is a single scan to share.
    """
    if shard is None:
        return None, cases
    unopened = [case for case in cases if isinstance(case, Case)]
    if len(unopened) < len(cases):
        raise UsageError(f"Expected a cases table beside --shard {shard}, got a single scan")
    return shard.among(unopened)


def read_shard(text: str) -> Shard:
    """Return the shard that an option names.

    >>> str(read_shard("2/4"))
    '2/4'

    Raises:
        UsageError: it is not of the form i/n with i from 1 to n.
    """
    number, slash, of = text.partition("/")
    is_plain = all(each.isascii() and each.isdigit() for each in (number, of)) and len(text) < 20
    if not (slash and is_plain and 1 <= int(number) <= int(of)):
        raise UsageError(f"Expected --shard i/n with i from 1 to n, got '{text}'")
    return Shard(number=int(number), of=int(of))


def _hash(case_id: str) -> int:
    # Python's own hash of a text is another in each process.
    return int.from_bytes(hashlib.sha256(case_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
