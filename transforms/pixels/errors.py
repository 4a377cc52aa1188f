"""What can be wrong with the pixels of a slice."""

from __future__ import annotations


class BrokenPixelsError(ValueError):
    """Pixels that do not decode; the message says in our own words what there is instead of them."""


class OtherBitsError(BrokenPixelsError):
    """Pixels that decode to other bits than the header says."""
