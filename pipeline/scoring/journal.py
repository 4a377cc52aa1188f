"""Each case's result is on the disk as soon as it is known: one line a case, which a later run can go on from."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path

from pydantic import ValidationError

from nodulus.pipeline.files import write_errors_named
from nodulus.pipeline.results.part_files import PARTS
from nodulus.pipeline.results.record import CaseResult, as_unicode
from nodulus.pipeline.results.views import VIEWS
from nodulus.pipeline.writers.which import CASE_FILES
from nodulus.transforms.problems import UsageError

from .cases import Case
from .journal_lines import JournaledResults, JournalLine, as_line, read_line
from .open_case import OpenCase
from .output_folder import OutputFolder
from .run_identity import RunIdentity, known_case, scan_stamp

JOURNAL = "cases.jsonl"
_AT_ONCE = 2**20
FILES = (*VIEWS, JOURNAL, PARTS, *CASE_FILES)


class Journal:
    """The file ``cases.jsonl``: a line that says which run it is of, then one a case in the order they were scored.

    Every line is flushed to the disk before the next case begins, so that whatever ends the process costs the case in
    work and no other. Where the file was removed during the run it is written again, whole. In memory is only where in
    the file each case lies, so that ten thousand cases take no more of it than ten.

    Args:
        folder: where it lies; the run's own while it lasts.
        run: which run it is.
        resume: go on from the lines that are there, if any; else begin anew.

    Raises:
        UsageError: the lines are those of another run, or the file is no journal, or cannot be written.
    """

    def __init__(self, folder: OutputFolder, run: RunIdentity, *, resume: bool = False) -> None:
        self.folder, self.path = folder, folder.path / JOURNAL
        self._head = as_line(run)
        self._n_bytes = 0
        self._places: dict[str, tuple[int, int]] = {}  # of each case: first byte, number of bytes
        if resume:
            self._read(run)
        with self._errors_named():
            self._file = FileIO(self.path, "a+")
            self._begin()
        folder.begin()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def n_done(self) -> int:
        """How many cases it holds."""
        return len(self._places)

    def holds(self, case_id: str) -> bool:
        """Return whether it has a line on a case, which may be of a scan that has changed since."""
        return as_unicode(case_id) in self._places

    def find(self, case_id: str, scan: str) -> CaseResult | None:
        """Return the result of a case whose scan has the stamp it had and whose files are there, else None."""
        if not self.holds(case_id):
            return None
        found = self._said_of(case_id)
        return found.result if found.scan == scan and self._holds_files(found.result) else None

    def results(self, case_ids: Sequence[str]) -> JournaledResults:
        """Return the results of some cases that it holds, each read from the file when it is asked for."""
        return JournaledResults(lambda case_id: self._said_of(case_id).result, case_ids)

    def add(self, scan: str, result: CaseResult) -> None:
        """Write the result of a case; when it returns the line is on the disk.

        Raises:
            UsageError: it cannot be written.
        """
        line = as_line(JournalLine(scan=scan, result=result).signed(self._head))
        with self._errors_named():
            if not self._is_in_place():
                self._renew()
            _write(self._file, line)
        self._places[result.case_id] = (self._n_bytes, len(line))
        self._n_bytes += len(line)

    def _holds_files(self, result: CaseResult) -> bool:
        return all((self.folder.path / name).is_file() for name in result.files)

    def _said_of(self, case_id: str) -> JournalLine:
        return JournalLine.model_validate_json(_part(self._file, *self._places[as_unicode(case_id)]))

    def _begin(self) -> None:
        """Leave in the file what was read of it and is right, or the first line alone."""
        try:
            self._file.truncate(self._n_bytes)
            if not self._n_bytes:
                _write(self._file, self._head)
                self._n_bytes = len(self._head)
        except BaseException:
            self._file.close()
            raise

    def _renew(self) -> None:
        """Write the file again where it was removed: what is open still holds its lines."""
        self.folder.renew()
        with self._file as removed:
            self._file = FileIO(self.path, "a+")
            self._file.truncate(0)
            for start in range(0, self._n_bytes, _AT_ONCE):
                _write(self._file, _part(removed, start, min(_AT_ONCE, self._n_bytes - start)))

    def _read(self, run: RunIdentity) -> None:
        """Take over the whole lines of an earlier run."""
        with self._errors_named():
            if not self.path.is_file():
                return
            with self.path.open("rb") as lines:
                head = lines.readline()
                is_whole = head.endswith(b"\n")
                if is_whole or not self._head.startswith(head):
                    self._check_same(head, run)
                if not is_whole:  # stopped before its first line was, if it began at all
                    return
                self._head, self._n_bytes = head, len(head)
                self._take_over(lines)

    def _take_over(self, lines: Iterable[bytes]) -> None:
        bad = None
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                return
            if bad is not None:  # a disk that loses its power may write the end of the last line before its middle
                msg = f"Expected the result of a case, got something else in line {bad} of {self.path}"
                raise UsageError(msg)
            entry = read_line(line, self._head)
            if entry is None:
                bad = number
                continue
            self._places[entry.result.case_id] = (self._n_bytes, len(line))
            self._n_bytes += len(line)

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
        hint = f" after {self.n_done} cases: when it can be written again, --resume goes on" if self._places else ""
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
        entry = read_line(line, head)
        if entry is None:
            raise UsageError(f"Expected the result of a case, got something else in line {number} of {path}")
        results[entry.result.case_id] = entry.result
    return run, results


def _part(file: FileIO, start: int, n_bytes: int) -> bytes:
    """Return some bytes of a file; what is written next goes to its end all the same, as it is open for appending."""
    file.seek(start)
    return file.read(n_bytes)


def _write(file: FileIO, text: bytes) -> None:
    """Write all of a text and flush it to the disk; an unbuffered file may take less at a time."""
    while text:
        text = text[file.write(text) :]
    os.fsync(file.fileno())
