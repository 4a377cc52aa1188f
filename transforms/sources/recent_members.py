"""The members of the archive that a thread read last, so that nodules which share slices share their inflation."""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict
from weakref import ReferenceType, ref

from .shared_zip import SharedZip

# A nodule's patch takes up to 35 slices of 0.5 MiB; of fewer than it needs none would be left for the next nodule.
_MOST_BYTES = 20 << 20


class RecentMembers(threading.local):
    """Whole members of one archive at a time, within some bytes; those of another one take their place."""

    def __init__(self) -> None:
        self._members: OrderedDict[zipfile.ZipInfo, bytes] = OrderedDict()
        self._n_bytes = 0
        self._archive: ReferenceType[SharedZip] | None = None

    def get(self, archive: SharedZip, member: zipfile.ZipInfo) -> bytes | None:
        """Return a member's bytes, None where they are not kept."""
        if self._archive is None or self._archive() is not archive or member not in self._members:
            return None
        self._members.move_to_end(member)
        return self._members[member]

    def keep(self, archive: SharedZip, member: zipfile.ZipInfo, data: bytes) -> None:
        """Keep a member's bytes, as long as there is room and nobody reads another archive."""
        if self._archive is None or self._archive() is not archive:
            members: OrderedDict[zipfile.ZipInfo, bytes] = OrderedDict()
            # Of an archive that is gone nothing is held, whichever thread it goes in: `self` is another one's there.
            self._archive = ref(archive, lambda _: members.clear())
            self._members, self._n_bytes = members, 0
        if member in self._members or len(data) > _MOST_BYTES:
            return
        self._members[member] = data
        self._n_bytes += len(data)
        while self._n_bytes > _MOST_BYTES:
            self._n_bytes -= len(self._members.popitem(last=False)[1])
