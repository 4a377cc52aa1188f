"""What a bundle's inference config says, read as plain JSON: MONAI and torch are not asked, nothing of it is run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

_NAME = re.compile(r"[A-Za-z_]\w*")
_ID = r"(\w+(?:(?:#|::)\w+)*)"
_REFERENCE = re.compile(f"@{_ID}")
_ITEM = re.compile(rf"\$@{_ID}\[(\d+)\]")
_JOINED = re.compile(rf"\$@{_ID} ?\+ ?'([^'\\]*)'")
_ANY_REFERENCE = re.compile(r"@(\w+)")
_MOST_DEEP = 32


class ConfigSaysMoreError(Exception):
    """A config says something that only MONAI reads."""


class PlainConfig:
    """A config whose values are read without MONAI.

    It knows references (``@id``, ``@id#part``), an item of one (``$@id[0]``) and a text joined to one
    (``$@id + '/name'``); of any other expression it says that only MONAI reads it.

    Args:
        content: of the file.
        overrides: values that replace those of the file, by id.
    """

    def __init__(self, content: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
        if merged := next((key for key in content if not _NAME.fullmatch(key)), None):
            raise ConfigSaysMoreError(f"the key {merged!r}")
        self._content = {**content, **overrides}

    def value(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value of an id, with all references in it replaced.

        Raises:
            ConfigSaysMoreError: it is not there, or holds an expression.
        """
        return self._resolved(self._at(name), name, 0)

    def sha256_of(self, name: str, without: Collection[str] = ()) -> str:
        """Return the hash of what an id says, and of all that it refers to; ``without`` names what does not count."""
        said: dict[str, object] = {}
        to_do = [name]
        while to_do:
            here = to_do.pop()
            if here not in said and here not in without:
                said[here] = self._content.get(here)
                to_do += _references(said[here])
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _at(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        found: Any = self._content
        for part in name.replace("::", "#").split("#"):
            try:
                found = found[int(part) if isinstance(found, list) else part]
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise ConfigSaysMoreError(f"no value of {name}") from error
        return found

    def _resolved(self, value: object, where: str, depth: int) -> object:
        if depth > _MOST_DEEP:
            raise ConfigSaysMoreError(f"references in a circle at {where}")
        if isinstance(value, Mapping):
            return {key: self._resolved(part, f"{where}#{key}", depth + 1) for key, part in value.items()}
        if isinstance(value, list):
            return [self._resolved(part, f"{where}#{number}", depth + 1) for number, part in enumerate(value)]
        return self._text(value, where, depth) if isinstance(value, str) else value

    def _text(self, text: str, where: str, depth: int) -> object:
        def of(name: str) -> object:
            return self._resolved(self._at(name), name, depth + 1)

        if match := _REFERENCE.fullmatch(text):
            return of(match[1])
        if match := _ITEM.fullmatch(text):
            values = of(match[1])
            if isinstance(values, list) and int(match[2]) < len(values):
                return values[int(match[2])]
        elif match := _JOINED.fullmatch(text):
            start = of(match[1])
            if isinstance(start, str):
                return start + match[2]
        elif not text.startswith(("$", "%")) and "@" not in text:
            return text
        raise ConfigSaysMoreError(f"{text!r} at {where}")


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
    elif isinstance(value, str):
        yield from _ANY_REFERENCE.findall(value)
