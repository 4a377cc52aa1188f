"""Names in the spool: of the network's UIDs a keyed hash alone reaches a path or a log."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

_KEY_FILE, _KEY_BYTES = "key", 32
# 128 bits: no two UIDs of a hospital meet.
_LETTERS = 32


class Names:
    """Gives each UID its name.

    The key is the spool's own. Without it nobody who reads a log can tell whether a UID that he knows is in it.
    """

    def __init__(self, folder: Path) -> None:
        self._key = _key_of(folder)

    def of(self, uid: str) -> str:
        """Return the name of a UID: hexadecimal digits."""
        return hmac.new(self._key, uid.encode("ascii"), hashlib.sha256).hexdigest()[:_LETTERS]


def _key_of(folder: Path) -> bytes:
    path = folder / _KEY_FILE
    if not path.is_file():
        draft = folder / f"{_KEY_FILE}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return path.read_bytes()
