"""Reads a record that a bundle keeps beside its weights, or finds why it cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from .finding import Finding, Kind
from .places import BundleFile

WEIGHTS = "models/model.pt"
_MOST_BYTES = 2**20
_Record = TypeVar("_Record")


def read_listed(file: BundleFile, parse: Callable[[bytes], _Record], kind: Kind) -> _Record | Finding:
    """Return the record that a file holds, or the finding that it holds none.

    Args:
        file: of the bundle.
        parse: from its content; raises what pydantic or JSON raise.
        kind: of the finding.
    """
    try:
        return parse(file.read(_MOST_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        return Finding(file.name, "#".join(map(str, first["loc"])), kind, "", f"malformed: {first['msg']}")
    except (OSError, ValueError, RecursionError) as error:
        return Finding(file.name, "", kind, "", f"cannot be read: {error}")
