"""What can go wrong with an archive."""

from __future__ import annotations

from nodulus.transforms.problems import NodulusError


class ArchiveError(NodulusError):
    """The archive did not answer, did not take what it was given, or broke off."""
