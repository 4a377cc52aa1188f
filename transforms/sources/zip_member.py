"""All bytes of one member of a zip archive, compared with its checksum."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .inflater import checksum, new_inflater

# APPNOTE 4.3.7: where the lengths of name and extra field stand in the header before a member's bytes.
_HEADER_BYTES, _LENGTHS_AT = 30, 26
_READ_BYTES = 1 << 20


def whole_member(path: Path, member: zipfile.ZipInfo, stream: IO[bytes]) -> bytes:
    """Return a member's bytes; OSError where they are not those of its checksum, or are cut off.

    A deflated one is inflated by the library that inflates everything else here, in one go: zipfile, by itself, takes
    Python's zlib and small steps, which is twice as long.

    Args:
        path: the archive.
        member: which of it.
        stream: the member as zipfile has opened it, whatever its compression.
    """
    if member.compress_type != zipfile.ZIP_DEFLATED:
        return stream.read()
    inflater, blocks, n_left = new_inflater(-zlib.MAX_WBITS), [], member.file_size
    for part in _deflated(path, member):
        while part and n_left > 0 and not inflater.eof:
            blocks.append(inflater.decompress(part, n_left))
            part, n_left = inflater.unconsumed_tail, n_left - len(blocks[-1])
    data = b"".join(blocks)  # of one block no copy is made
    if n_left > 0 or checksum(data) != member.CRC:
        raise OSError(f"{member.filename} is damaged in the archive")
    return data


def _deflated(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a member as they stand in the archive."""
    with path.open("rb", buffering=0) as file:
        file.seek(member.header_offset)
        header = file.read(_HEADER_BYTES)
        n_name, n_extra = struct.unpack_from("<HH", header, _LENGTHS_AT)
        file.seek(n_name + n_extra, 1)
        n_left = member.compress_size
        while n_left > 0 and (part := file.read(min(_READ_BYTES, n_left))):
            n_left -= len(part)
            yield part
