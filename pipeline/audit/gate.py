"""Nothing of a bundle runs before its audit passed, or the user trusts it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodulus.pipeline.json_files import parse_json
from nodulus.transforms.problems import ProblemCode, UsageError, refuse

from .audit import Audit, audit_bundle

_MOST_BYTES = 16 * 2**20


def read_trusted(bundle: Path, config: Path, *, trust: bool = False) -> dict[str, Any]:
    """Return the content of one of a bundle's configs, once nothing in the bundle is refused.

    What is returned are the very bytes that were judged: a file that changes meanwhile changes nothing.

    Args:
        bundle: its folder.
        config: JSON, relative to it.
        trust: skip the audit.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the audit refuses something.
        UsageError: the config cannot be read.
    """
    path = bundle / config
    content = _read(path)
    if not trust:
        check_trusted(bundle, held=None if content is None else {config.as_posix(): content})
    if content is None:
        raise UsageError(f"Expected a config, got no file, or one of more than {_MOST_BYTES} bytes, at {path}")
    try:
        found = parse_json(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Expected a config in JSON, got {error or 'values nested too deep'} in {path}") from error
    if not isinstance(found, dict):
        raise UsageError(f"Expected a config, an object, got one {type(found).__name__} in {path}")
    return found


def check_trusted(bundle: Path, held: Mapping[str, bytes] | None = None, *, is_hashed: bool = False) -> None:
    """Raise InputRefusedError, ``untrusted_bundle``, where the audit of a bundle refuses something.

    Args:
        bundle: its folder.
        held: see ``audit_bundle``.
        is_hashed: hash every file, which tells an export or a calibration of other weights, too.
    """
    check_allowed(audit_bundle(bundle, is_hashed=is_hashed, held=held))


def check_allowed(audit: Audit) -> None:
    """Raise InputRefusedError, ``untrusted_bundle``, where an audit refused something."""
    if audit.refused:
        raise refuse(ProblemCode.UNTRUSTED_BUNDLE, _refusal(audit), tuple(map(str, audit.refused)))


def _read(path: Path) -> bytes | None:
    """Return the content of a config; None where there is none to read, as of a pipe, which might never end."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _MOST_BYTES else None
    except OSError:
        return None


def _refusal(audit: Audit) -> str:
    first, *others = audit.refused
    more = f" and {len(others)} more" if others else ""
    return (
        f"Expected a bundle of which every part is on the allow-list, got {first}{more} in {audit.place}"
        " (`nodulus bundle audit` lists all; --trust runs it as it is)"
    )
