"""UIDs that follow from what they name: the same thing has the same UID in every run and on every machine."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("5f0e0f0a-7d0c-5d7b-9c39-0e6a1f9b6f10")


def uid_named(*what: str) -> str:
    """Return the UID of something that a few texts name (PS3.5 B.2: 2.25 and a UUID, here one made from names).

    >>> uid_named("series", "1.2.3") == uid_named("series", "1.2.3") != uid_named("series", "1.2", "3")
    True
    """
    named = "\n".join(f"{len(text)}:{text}" for text in what)  # lengths keep "a", "bc" apart from "ab", "c"
    return f"2.25.{uuid.uuid5(_NAMESPACE, named).int}"
