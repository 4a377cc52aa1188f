"""The part of another program's bundle that is used: cut out, judged by itself, and nothing else of it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from nodulus.pipeline.json_files import parse_json
from nodulus.transforms.problems import UsageError

from .audit import Audit
from .checkpoints import checkpoint_found
from .config_items import items_found
from .expressions import references
from .gate import check_allowed
from .places import BundleFile, bundle_files

_MOST_BYTES = 4 * 2**30  # of the file of weights; a config has less


@dataclass(frozen=True)
class HeldFiles:
    """Some files of a bundle, as they were read at once, so that what is judged is what is used."""

    place: Path
    contents: Mapping[str, bytes]


def hold_files(place: Path, names: Iterable[str]) -> HeldFiles:
    """Return the content of some files of a bundle's folder or zip.

    Raises:
        UsageError: there is no such bundle, or one of the files is missing from it or cannot be read.
        InputRefusedError: ``untrusted_bundle``, when one of them is a link that leads out of the bundle, or the zip
            holds much more than was packed.
    """
    wanted = tuple(names)
    with bundle_files(place) as (there, found):
        files = {file.name: file for file in there}
        check_allowed(Audit(place, tuple(each for each in found if each.file in ("", *wanted)), {}, {}))
        missing = [name for name in wanted if name not in files]
        if missing:
            raise UsageError(f"Expected a whole bundle, {', '.join(missing)} missing from {place}")
        return HeldFiles(place, {name: _read(files[name], place) for name in wanted})


def parsed(held: HeldFiles, name: str) -> dict[str, Any]:
    """Return what one of the held files says in JSON.

    Raises:
        UsageError: it is no object in JSON.
    """
    try:
        found = parse_json(held.contents[name])
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Expected JSON, got {error or 'values nested too deep'} in {name} of {held.place}") from error
    if not isinstance(found, dict):
        raise UsageError(f"Expected an object, got one {type(found).__name__} in {name} of {held.place}")
    return found


def part_of(config: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """Return some keys of a config with all that they refer to, however far; its other keys are left out.

    >>> part_of({"a": ["@b#0"], "b": ["$@c + 1"], "c": 2, "d": "$print(1)"}, ["a"])
    {'a': ['@b#0'], 'b': ['$@c + 1'], 'c': 2}
    """
    found: dict[str, Any] = {}
    open_keys = list(wanted)
    while open_keys:
        key = open_keys.pop(0)
        if key in found or key not in config:
            continue
        found[key] = config[key]
        open_keys += [id_.partition("::")[0] for text in _texts(config[key]) for id_ in references(text)]
    return found


def check_part(held: HeldFiles, name: str, part: Mapping[str, Any], checkpoints: Sequence[str]) -> None:
    """Raise InputRefusedError, ``untrusted_bundle``, where a part of a bundle would run what is not on the list.

    Args:
        held: the files.
        name: of the config.
        part: what is used of it.
        checkpoints: files of weights that are loaded.
    """
    findings = list(items_found(dict(part), name))
    for checkpoint in checkpoints:
        content = held.contents[checkpoint]
        findings += checkpoint_found(BundleFile(checkpoint, len(content), partial(BytesIO, content)))
    check_allowed(Audit(held.place, tuple(findings), {}, {}))


def _read(file: BundleFile, place: Path) -> bytes:
    if file.size > _MOST_BYTES:
        raise UsageError(f"Expected at most {_MOST_BYTES} bytes, got {file.size} in {file.name} of {place}")
    try:
        return file.read(_MOST_BYTES)
    except OSError as error:
        raise UsageError(f"Expected to read {file.name} of {place}, got: {error}") from error


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _texts(part)
