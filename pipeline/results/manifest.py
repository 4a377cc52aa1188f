"""How a run was made: what another machine needs to make it again, and nothing that tells whose machine it was."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.records import Record
from nodulus.pipeline.versions import versions

from .stages import StageRecord, Stages

OptionValue = str | bool | float | tuple[str, ...] | None


class WrittenFile(Record):
    """A file of the run, by its path from the folder of results.json."""

    name: str
    sha256: str


class Manifest(Record):
    """The command, its options, what computed it, what each stage cost, and the files that were written.

    ``options`` are those that bear on the results, under the command's names for them; paths are left out.
    ``results.json`` is not among ``files``: a file cannot hold its own hash. A run that was resumed tells the stages of
    its last part.
    """

    command: str
    options: dict[str, OptionValue]
    device: str
    platform: str
    python: str
    versions: dict[str, str]
    stages: tuple[StageRecord, ...] = ()
    files: tuple[WrittenFile, ...] = ()


@dataclass(frozen=True)
class RunContext:
    """What a command knows of its own run.

    Args:
        command: as it was called.
        device: where the network ran.
        options: those that bear on the results.
        stages: what was timed.
    """

    command: str
    device: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    stages: Stages = field(default_factory=Stages)


def manifest_of(run: RunContext, written: Iterable[Path], home: Path) -> Manifest:
    """Return the manifest of a run.

    Args:
        run: what its command knows of it.
        written: the files of the run but for results.json.
        home: the folder of results.json.
    """
    return Manifest(
        command=run.command,
        options=dict(run.options),
        device=run.device,
        platform=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions=versions(),
        stages=run.stages.records(),
        files=tuple(WrittenFile(name=path.relative_to(home).as_posix(), sha256=sha256_of(path)) for path in written),
    )
