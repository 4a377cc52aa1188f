"""By the command: nodule files given to `infer` and `check`, and journals that --resume goes on from."""

from __future__ import annotations

import atexit
import json
import pickle
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from unittest import mock

import numpy as np

from nodulus.pipeline.results.views import VIEWS
from nodulus.pipeline.scoring.journal import JOURNAL
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import NodulusError, ProblemCode
from tests.support.dicom_objects import COLUMNS, ROWS, ct_series
from tests.support.dicom_series_writer import SeriesSpec, write_slices

from . import damage
from .nodule_files import json_subjects, mask_subjects, object_subjects, same_uids, table_subjects
from .scans import command
from .subject import Family, Found, Subject, never

_SCORED = (0, 4)
_REFUSED = (2, 3)
_MOST_LINES = 40
_N_CASES = 4


@cache
def _loaded(allow: tuple[ProblemCode, ...]) -> Scorer:
    """Return a scorer of a network that costs little, loaded once: that takes ten times as long as to score."""
    from benchmarks.small_bundle import write_small_bundle  # only here is torch needed

    folder = mkdtemp(prefix="fuzz")  # configs are read when they are needed
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Scorer(write_small_bundle(Path(folder) / "bundle"), allow=allow)


class DoorError(AssertionError):
    """The command ends as no command should: by another code, without a line, or with files that it must not leave."""


def _files_by_command(folder: Path) -> list[Subject]:
    with same_uids():
        ct = ct_series()
        for ds in ct:
            pixel = np.arange(ROWS * COLUMNS)
            # Air of one value alone would be taken for paint.
            half_air = np.where(pixel % COLUMNS < COLUMNS // 2, -1000 + pixel % 60, 20 + pixel % 40)
            ds.PixelData = half_air.astype("<i2").tobytes()
        chest = write_slices(ct, folder / "chest")
        small = write_slices(SeriesSpec().slices(), folder / "ct")
        about_small = (table_subjects(folder, _infer(small)), json_subjects(folder, _infer(small)))
        about_chest = (object_subjects(folder, _infer(chest), ct), mask_subjects(folder, _infer(chest)))
        drawn = table_subjects(folder, _check(small))[:1] + object_subjects(folder, _check(chest), ct)[-1:]
    return [subject for subjects in (*about_small, *about_chest, drawn) for subject in subjects]


def _infer(scan: Path) -> Callable[[Path], Found]:
    """Return what scores the nodules of a file, and gives all that was written of them."""

    def read(path: Path) -> Found:
        out = path.with_name("out")
        _run(["infer", str(scan), "--nodules", str(path), "-o", str(out), "--quiet"], out)
        return _results(out)

    return read


def _check(scan: Path) -> Callable[[Path], Found]:
    """Return what draws the nodules of a file, and gives the names of the pictures."""

    def read(path: Path) -> Found:
        out = path.with_name("pictures")
        shutil.rmtree(out, ignore_errors=True)
        _run(["check", str(scan), "--nodules", str(path), "-o", str(out)], out)
        return sorted(picture.name for picture in out.iterdir())

    return read


def _run(arguments: list[str], out: Path) -> None:
    """Run the command; a refusal, which must be one line and leave no results, is raised."""
    with _one_network():
        code, said = command(arguments)
    lines = said.splitlines()
    if code not in (*_SCORED, *_REFUSED) or len(lines) > _MOST_LINES or not all(map(str.isprintable, lines)):
        raise DoorError(f"exit code {code}, {said[:300]!r}")
    if code in _SCORED:
        return
    if not lines:
        raise DoorError(f"exit code {code} and not a word")
    if code == 2 and any((out / name).exists() for name in VIEWS):
        raise DoorError("results beside a call that was wrong")
    raise NodulusError(lines[-1])


def _one_network() -> AbstractContextManager[object]:
    def scorer(_bundle: object, allow: tuple[ProblemCode, ...], **_others: object) -> Scorer:
        return _loaded(allow)

    return mock.patch("nodulus.pipeline.scoring.scorer.Scorer", scorer)


def _results(out: Path) -> Found:
    record, rows = json.loads((out / "results.json").read_text()), (out / "results.csv").read_text()
    for name in ("created", "run"):  # when, and how long it took
        record.pop(name, None)
    shutil.rmtree(out)
    return record, rows


def _journals(folder: Path) -> list[Subject]:
    series = write_slices(SeriesSpec().slices(), folder / "ct")
    for index in range(_N_CASES):
        shutil.copytree(series, folder / str(index))
    rows = [f"case {index},{index},{index},{index / 7},0,1,8" for index in range(_N_CASES)]
    table, out = folder / "cases.csv", folder / "out"
    table.write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm", *rows]))
    infer = ["infer", str(table), "-o", str(out), "--quiet"]
    _run([*infer, "--allow", "lossy"], out)
    other = (out / JOURNAL).read_bytes()
    _run(infer, out)
    sound = (out / JOURNAL).read_bytes()

    def read(content: bytes) -> Found:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (out / JOURNAL).write_bytes(content)
        _run([*infer, "--resume"], out)
        return _results(out)

    ways = {
        "cut": _cut,
        "bytes": damage.of_bytes,
        "lines": _lines_of(other),
        "values": _values,
        "foreign": _foreign(other),
    }
    return [Subject(name, sound, way, read, silent=never) for name, way in ways.items()]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _lines_of(other: bytes) -> damage.Damage:
    """Return what changes, loses, doubles or moves lines, or takes one of another run."""

    def damaged(data: bytes, chance: Random) -> bytes:
        lines = data.splitlines(keepends=True)
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(lines))
            others = (
                *lines,
                *other.splitlines(keepends=True),
                b"",
                b"\n",
                b"{}\n",
                b"\0" * 600,
                lines[at].rstrip(b"\n"),
            )
            if chance.random() < 0.5:
                lines[at] = chance.choice(others)
            else:
                lines.insert(at, chance.choice(others))
        return b"".join(lines)

    return damaged


def _values(data: bytes, chance: Random) -> bytes:
    """Return a journal of which one line holds another value, key or depth."""
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines[at] = damage.of_json(lines[at], chance).replace(b"\n", b" ") + b"\n"
    return b"".join(lines)


def _foreign(other: bytes) -> damage.Damage:
    """Return what is no journal of this run: another's, a pickle, JSON of another kind, an archive, nothing."""
    contents = (
        other,
        b"",
        b"\n",
        pickle.dumps({"a": 1}),
        json.dumps([1]).encode(),
        b"PK\x03\x04",
        bytes(5000),
        b"\xff\xfe",
    )
    return lambda data, chance: chance.choice(contents) + (data if chance.random() < 0.3 else b"")


BY_COMMAND = Family("nodules by command", 50, _files_by_command)
JOURNALS = Family("resumed journals", 30, _journals)
