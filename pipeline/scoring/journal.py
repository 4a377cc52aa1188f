"""Each case's result is on the disk as soon as it is known: one line a case, which a later run can go on from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path

from pydantic import ValidationError

from nodulus.pipeline.files import write_errors_named
from nodulus.pipeline.records import Record
from nodulus.pipeline.results.part_files import PARTS
from nodulus.pipeline.results.record import CaseResult, as_unicode
from nodulus.pipeline.results.views import VIEWS
from nodulus.pipeline.writers.which import CASE_FILES
from nodulus.transforms.problems import UsageError

from .cases import Case
from .open_case import OpenCase
from .output_folder import OutputFolder
from .run_identity import RunIdentity, known_case, scan_stamp

JOURNAL = "cases.jsonl"
FILES = (*VIEWS, JOURNAL, PARTS, *CASE_FILES)


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


class Journal:
    """The file ``cases.jsonl``: a line that says which run it is of, then one a case in the order they were scored.

    Every line is flushed to the disk before the next case begins, so that whatever ends the process costs the case in
    work and no other. Where the file was removed during the run it is written again, whole.

    Args:
        folder: where it lies; the run's own while it lasts.
        run: which run it is.
        resume: go on from the lines that are there, if any; else begin anew.

    Raises:
        UsageError: the lines are those of another run, or the file is no journal, or cannot be written.
    """

    def __init__(self, folder: OutputFolder, run: RunIdentity, *, resume: bool = False) -> None:
        self.folder, self.path = folder, folder.path / JOURNAL
        self._lines: list[bytes] = [_line(run)]
        self._done: dict[str, JournalLine] = {}
        n_bytes = self._read(run) if resume else 0
        with self._errors_named():
            self._file = self._open(n_bytes)
        folder.begin()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def n_done(self) -> int:
        """How many cases it holds."""
        return len(self._done)

    def holds(self, case_id: str) -> bool:
        """Return whether it has a line on a case, which may be of a scan that has changed since."""
        return as_unicode(case_id) in self._done

    def find(self, case_id: str, scan: str) -> CaseResult | None:
        """Return the result of a case whose scan has the stamp it had and whose files are there, else None."""
        found = self._done.get(as_unicode(case_id))
        is_known = found is not None and found.scan == scan and self._holds_files(found.result)
        return found.result if found is not None and is_known else None

    def add(self, scan: str, result: CaseResult) -> None:
        """Write the result of a case; when it returns the line is on the disk.

        Raises:
            UsageError: it cannot be written.
        """
        added = JournalLine(scan=scan, result=result).signed(self._lines[0])
        self._lines.append(_line(added))
        with self._errors_named():
            if self._is_in_place():
                _write(self._file, self._lines[-1])
            else:
                self._file.close()
                self.folder.renew()
                self._file = self._open(0)
        self._done[result.case_id] = added

    def _holds_files(self, result: CaseResult) -> bool:
        return all((self.folder.path / name).is_file() for name in result.files)

    def _open(self, n_bytes: int) -> FileIO:
        """Return the file, open behind its first bytes, which are right; the lines that they lack are written."""
        file = FileIO(self.path, "a+")
        try:
            file.truncate(n_bytes)
            _write(file, b"".join(self._lines)[n_bytes:])
        except BaseException:
            file.close()
            raise
        return file

    def _read(self, run: RunIdentity) -> int:
        """Take over the whole lines of an earlier run, and return how many bytes they are."""
        with self._errors_named():
            content = self.path.read_bytes() if self.path.is_file() else b""
        if self._lines[0].startswith(content):  # stopped before its first line was whole, if it began at all
            return 0
        head, *lines = [line + b"\n" for line in content.split(b"\n")[:-1]] or [content]
        self._check_same(head, run)
        self._lines[0] = head
        for number, line in enumerate(lines, 2):
            entry = _entry(line, head)
            if entry is None:
                if line is lines[-1]:  # a disk that loses its power may write the end of a line before its middle
                    break
                msg = f"Expected the result of a case, got something else in line {number} of {self.path}"
                raise UsageError(msg)
            self._lines.append(line)
            self._done[entry.result.case_id] = entry
        return sum(map(len, self._lines))

    def _check_same(self, head: bytes, run: RunIdentity) -> None:
        try:
            before = RunIdentity.model_validate_json(head)
        except ValidationError:
            msg = f"Expected the journal of a run to resume, got something else in {self.path}"
            raise UsageError(msg) from None
        if others := run.differences(before):
            msg = f"Expected to resume the run of {self.path}, got a call that differs from it: {'; '.join(others)}"
            raise UsageError(f"{msg} (without --resume it begins anew)")

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def _errors_named(self) -> AbstractContextManager[None]:
        hint = f" after {self.n_done} cases: when it can be written again, --resume goes on" if self._done else ""
        return write_errors_named(self.path, hint)


def score_journaled(
    cases: Iterable[Case | OpenCase], score: Callable[[Case | OpenCase], CaseResult], journal: Journal
) -> Generator[CaseResult, None, None]:
    """Yield the result of each case: the journal's, or a new one that the journal holds by then."""
    for case in cases:
        known = known_case(case)
        scan = scan_stamp(known.input)
        result = journal.find(known.case_id, scan)
        if result is None:
            result = score(case)
            journal.add(scan, result)
        yield result


def read_journal(path: Path) -> tuple[RunIdentity, dict[str, CaseResult]]:
    """Return which run a journal is of, and the results that it holds, by case.

    Raises:
        UsageError: it cannot be read, or is no journal, or has a line that its run did not write.
    """
    try:
        head, *lines = path.read_bytes().splitlines(keepends=True) or [b""]
        run = RunIdentity.model_validate_json(head)
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "something else"
        raise UsageError(f"Expected the journal of a run, got {reason} in {path}") from error
    results: dict[str, CaseResult] = {}
    for number, line in enumerate(lines, 2):
        entry = _entry(line, head)
        if entry is None:
            raise UsageError(f"Expected the result of a case, got something else in line {number} of {path}")
        results[entry.result.case_id] = entry.result
    return run, results


def _entry(line: bytes, head: bytes) -> JournalLine | None:
    """Return what a line says, None for one that is not as this run wrote it."""
    try:
        entry = JournalLine.model_validate_json(line)
    except ValidationError:
        return None
    return entry if _line(entry.signed(head)) == line else None


def _line(record: Record) -> bytes:
    return record.model_dump_json().encode() + b"\n"


def _write(file: FileIO, text: bytes) -> None:
    """Write all of a text and flush it to the disk; an unbuffered file may take less at a time."""
    while text:
        text = text[file.write(text) :]
    os.fsync(file.fileno())
