"""A line of a journal, and the results that are read from lines one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from pydantic import ValidationError

from nodulus.pipeline.records import Record
from nodulus.pipeline.results.record import CaseResult


class JournalLine(Record):
    """The result of one case, and the stamp that its scan's files had before it was scored.

    ``sha256`` is that of both and of the run's first line: no digit of a result changes unseen, and no line of another
    run is taken for one of this.
    """

    scan: str
    result: CaseResult
    sha256: str = ""

    def signed(self, head: bytes) -> JournalLine:
        """Return the line with its hash, as a line of the run that begins with this head."""
        unsigned = self.model_copy(update={"sha256": ""}).model_dump_json().encode()
        return self.model_copy(update={"sha256": hashlib.sha256(head + unsigned).hexdigest()})


class JournaledResults(Sequence[CaseResult]):
    """The results of cases in an order, read one at a time from the journal that holds them."""

    def __init__(self, read: Callable[[str], CaseResult], case_ids: Sequence[str]) -> None:
        self._read, self._case_ids = read, case_ids

    def __len__(self) -> int:
        return len(self._case_ids)

    def __iter__(self) -> Iterator[CaseResult]:
        return map(self._read, self._case_ids)

    @overload
    def __getitem__(self, place: int) -> CaseResult: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[CaseResult]: ...

    def __getitem__(self, place: int | slice) -> CaseResult | Sequence[CaseResult]:
        if isinstance(place, slice):
            return JournaledResults(self._read, self._case_ids[place])
        return self._read(self._case_ids[place])


def read_line(line: bytes, head: bytes) -> JournalLine | None:
    """Return what a line says, None for one that is not as the run with this head wrote it."""
    try:
        entry = JournalLine.model_validate_json(line)
    except ValidationError:
        return None
    return entry if as_line(entry.signed(head)) == line else None


def as_line(record: Record) -> bytes:
    """Return a record as a line of a journal."""
    return record.model_dump_json().encode() + b"\n"
