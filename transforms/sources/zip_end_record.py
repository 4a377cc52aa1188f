"""How many members a zip archive says that it has, at its end."""

from __future__ import annotations

import struct
from pathlib import Path

# APPNOTE 4.3.16, 4.3.15 and 4.3.14: the end record, which a comment may follow, and what stands before it in a zip
# of more than 65535 members or 4 GiB.
_END, _LOCATOR, _LARGE_END = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_END_BYTES, _LOCATOR_BYTES, _LARGE_END_BYTES = 22, 20, 56
_LONGEST_COMMENT = (1 << 16) - 1
_SEE_LARGE = 0xFFFF


def stated_members(path: Path) -> int:
    """Return the number of members, directories counted, that the end record states; OSError where there is none."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - _END_BYTES - _LONGEST_COMMENT - _LOCATOR_BYTES - _LARGE_END_BYTES, 0))
        tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise OSError(f"{path.name} is no complete zip archive")
    (n_members,) = struct.unpack_from("<H", tail, at + 10)
    large = at - _LOCATOR_BYTES - _LARGE_END_BYTES
    has_large = tail[at - _LOCATOR_BYTES : at].startswith(_LOCATOR) and large >= 0
    if n_members == _SEE_LARGE and has_large and tail[large:].startswith(_LARGE_END):
        (n_members,) = struct.unpack_from("<Q", tail, large + 32)
    return int(n_members)
