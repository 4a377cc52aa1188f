"""What a config would run: every expression, import, target and macro of it, by its key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .allowed_names import MODES, READERS, TARGETS
from .expressions import is_import, names_a_module, problem_of_expression, problem_of_import, references
from .finding import Finding, Kind

_MOST_DEEP = 64
_UNLISTED = "not on the list"
# Where a class of ours, or of MONAI's, writes: nowhere but in the folder that the user names.
_PLACES = frozenset(["log_dir", "output_dir", "path", "save_dir"])
_IN_OUTPUT = re.compile(r"@output_dir|\$os\.path\.join\(@output_dir, '[\w-]+(\.\w+)?'\)", re.ASCII)
_OUTPUT = re.compile(r"[\w-]+|\$@bundle_root \+ '/[\w-]+'", re.ASCII)
# Of MONAI's engines: torch.compile takes the path of a compiler from its options.
_COMPILES = frozenset(["compile", "compile_kwargs"])
_MODES_OF_CALLING = ("_mode_", "_debug_")
_IMPORTED = ("reader", "writer")
_ACTING = frozenset(["_target_", *_MODES_OF_CALLING, *_IMPORTED, *_PLACES, *_COMPILES])
_READS = ("nodulus.pipeline.load_data_list", "nodulus.pipeline.data_list.load_data_list")


@dataclass(frozen=True)
class _Item:
    """A value of a config: its key from the top, the key's last part, and the mapping that holds it."""

    key: str
    name: str
    value: object
    holder: Mapping[object, object]


def items_found(content: object, file: str) -> Iterator[Finding]:
    """Yield what a config, or any other content of JSON or YAML, would run."""
    for item in _items(content, "", {}, 0):
        if item is None:
            yield Finding(file, "", Kind.TEXT, "", f"nested more than {_MOST_DEEP} deep")
            return
        yield from _judge(item, file)


def _items(value: object, key: str, holder: Mapping[object, object], depth: int) -> Iterator[_Item | None]:
    """Yield the texts of a value, and what stands at a key that acts; None where they are nested too deep."""
    if depth > _MOST_DEEP:
        yield None
    elif isinstance(value, dict):
        for name, inner in value.items():
            here = f"{key}#{name}" if key else str(name)
            last = _last_part(str(name))
            if last in _ACTING or isinstance(inner, str):
                yield _Item(here, last, inner, value)
            if isinstance(inner, dict | list):
                yield from _items(inner, here, value, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, str):
                yield _Item(f"{key}#{index}", str(index), inner, holder)
            elif isinstance(inner, dict | list):
                yield from _items(inner, f"{key}#{index}", holder, depth + 1)
    elif isinstance(value, str):
        yield _Item(key, "", value, holder)


def _last_part(name: str) -> str:
    """Return what a key means in the end: one of an overlay says a path, `+train#handlers#0#_target_`."""
    return name.replace("#", "::").rpartition("::")[2].lstrip("+")


def _judge(item: _Item, file: str) -> Iterator[Finding]:
    value = item.value
    if item.name == "_target_":
        problem = "" if isinstance(value, str) and value in TARGETS else _UNLISTED
        yield Finding(file, item.key, Kind.TARGET, _text(value), problem)
        return
    if item.name in _MODES_OF_CALLING:
        is_known = item.name == "_mode_" and isinstance(value, str) and value in MODES
        yield Finding(file, item.key, Kind.MODE, _text(value), "" if is_known else "starts a debugger, or is unknown")
        return
    if item.name in _IMPORTED and value is not None:
        is_known = item.name == "reader" and isinstance(value, str) and value in READERS
        yield Finding(file, item.key, Kind.ARGUMENT, _text(value), "" if is_known else "is imported by its name")
        return
    if item.name in _PLACES and not _is_place(item):
        yield Finding(file, item.key, Kind.ARGUMENT, _text(value), "writes elsewhere than in the output folder")
        return
    if item.name in _COMPILES and value:
        yield Finding(file, item.key, Kind.ARGUMENT, _text(value), "may name the compiler that is run")
        return
    if isinstance(value, str):
        yield from _judge_text(value, item.key, file)


def _judge_text(text: str, key: str, file: str) -> Iterator[Finding]:
    """Yield what a text stands for, where MONAI takes it for more than a text."""
    code = text[1:]
    if text.startswith("$") and is_import(code):
        is_in_place = re.fullmatch(r"\+?imports#\w+", key) is not None
        problem = problem_of_import(code) if is_in_place else "an import outside of `imports`"
        yield Finding(file, key, Kind.IMPORT, text, problem)
    elif text.startswith("$"):
        yield Finding(file, key, Kind.EXPRESSION, text, problem_of_expression(code))
    elif text.startswith("%"):
        yield Finding(file, key, Kind.MACRO, text, "copies what stands elsewhere, or in another file")
    elif text.startswith("@") and any(map(names_a_module, references(text))):
        yield Finding(file, key, Kind.REFERENCE, text, "a reference to a module")


def _is_place(item: _Item) -> bool:
    """Return whether a value says where to write, and means the output folder."""
    value = item.value
    if not isinstance(value, str):
        return value is None or isinstance(value, bool)
    if item.key == item.name == "output_dir":
        return _OUTPUT.fullmatch(value) is not None
    if value == "@data_list":
        return item.name == "path" and item.holder.get("_target_") in _READS
    return _IN_OUTPUT.fullmatch(value) is not None


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)[:200]
