"""The parts of a run that was made in shards, joined into what one run would have recorded."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.files import replacing_file, sha256_of
from nodulus.pipeline.results.manifest import Manifest
from nodulus.pipeline.results.record import CaseResult, Results
from nodulus.pipeline.results.views import RESULTS, read_head
from nodulus.transforms.problems import UsageError

from .journal import JOURNAL, read_journal
from .run_identity import RunIdentity
from .shard import Shard

_MOST_NAMED = 5


@dataclass(frozen=True)
class Part:
    """One shard's output: its folder, the head of its results.json, which run it is of, and its results by case."""

    folder: Path
    head: Results
    run: RunIdentity
    shard: Shard
    results: Mapping[str, CaseResult]


def read_part(folder: Path) -> Part:
    """Return what a shard left in its output folder.

    Raises:
        UsageError: there is no journal or it is damaged, the run was made without ``--shard``, or it is not finished.
    """
    run, results = read_journal(folder / JOURNAL)
    if run.shard is None:
        raise UsageError(f"Expected the output of a shard, got that of a run without --shard in {folder}")
    n_done, n_cases = len(run.shard.places.keys() & results.keys()), len(run.shard.places)
    if n_done < n_cases or not (folder / RESULTS).is_file():
        got = f"shard {run.shard} with {n_done} of {n_cases} cases in {folder}"
        raise UsageError(f"Expected a finished shard, got {got}: --resume goes on")
    return Part(folder, read_head(folder / RESULTS), run, run.shard, results)


def check_parts(parts: Sequence[Part], case_ids: Collection[str] | None = None) -> None:
    """Raise UsageError unless the parts are all shards of one run, each once, and hold each case of a table once.

    Args:
        parts: what was read.
        case_ids: of the table, where it is at hand: what is missing is then called by its name.
    """
    _check_one_run(parts)
    wrong = [*_lacks(parts, case_ids), *_doubles(parts)]
    if case_ids is not None:
        held = {case_id for part in parts for case_id in part.shard.places}
        wrong += _named("cases that the table does not have", [each for each in held if each not in set(case_ids)])
    if wrong:
        raise UsageError(f"Expected each of {parts[0].shard.of} shards once, got {'; '.join(wrong)}")


def joined(parts: Sequence[Part]) -> tuple[CaseResult, ...]:
    """Return the results of all parts in the table's order."""
    placed = [(place, part.results[case_id]) for part in parts for case_id, place in part.shard.places.items()]
    return tuple(result for _, result in sorted(placed, key=lambda pair: pair[0]))


def copy_case_files(parts: Iterable[Part], output_dir: Path) -> None:
    """Copy the files of all cases into a folder, each compared with the hash that its part's results.json states.

    Raises:
        UsageError: one is not there or is another, or the disk takes no more.
    """
    for part in parts:
        stated = _hashes(part.head.run)
        for name in (name for case_id in part.shard.places for name in part.results[case_id].files):
            source = part.folder / name
            if not source.is_file() or stated.get(name) != sha256_of(source):
                got = "another" if source.is_file() else "none"
                raise UsageError(f"Expected the file that shard {part.shard} wrote, got {got} at {source}")
            with replacing_file(output_dir / name) as temporary:
                shutil.copyfile(source, temporary)


def _check_one_run(parts: Sequence[Part]) -> None:
    first, *others = parts
    for part in others:
        whole, other = (each.run.model_copy(update={"shard": None}) for each in (first, part))
        differing = other.differences(whole)
        if part.shard.of != first.shard.of:
            differing.append(f"--shard ({first.shard} and {part.shard})")
        if differing:
            raise UsageError(
                f"Expected the shards of one run, got {part.folder} that differs from {first.folder}:"
                f" {'; '.join(differing)}"
            )


def _lacks(parts: Sequence[Part], case_ids: Collection[str] | None) -> list[str]:
    of = parts[0].shard.of
    absent = sorted(set(range(1, of + 1)) - {part.shard.number for part in parts})
    lacks = _named("no shard", [f"{number}/{of}" for number in absent])
    if case_ids is not None:
        held = {case_id for part in parts for case_id in part.shard.places}
        lacks += _named("no result of", [each for each in case_ids if each not in held])
    return lacks


def _doubles(parts: Sequence[Part]) -> list[str]:
    folders: dict[int, list[str]] = {}
    for part in parts:
        folders.setdefault(part.shard.number, []).append(str(part.folder))
    of = parts[0].shard.of
    return [f"shard {number}/{of} in {' and '.join(where)}" for number, where in folders.items() if len(where) > 1]


def _named(what: str, names: Sequence[str]) -> list[str]:
    """Return what is wrong with some names, the first of them said; nothing where there is none."""
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{what} {', '.join(names[:_MOST_NAMED])}{more}"]


def _hashes(manifest: Manifest | None) -> dict[str, str]:
    return {} if manifest is None else {file.name: file.sha256 for file in manifest.files}
