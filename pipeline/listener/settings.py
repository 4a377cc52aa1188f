"""What a listener is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """How much is taken at most; what is beyond it is refused, and nothing that was taken is lost.

    Args:
        spool_bytes: all that the spool holds.
        free_bytes: what its disk has left, whoever else writes there.
        object_bytes: one object.
        waiting_studies: those without an answer.
        associations: open at a time.
        silence_s: a sender that says nothing for so long is cut off.
    """

    spool_bytes: int = 50_000 * MEGABYTE
    free_bytes: int = 1_000 * MEGABYTE
    object_bytes: int = 1_000 * MEGABYTE
    waiting_studies: int = 1_000
    associations: int = 20
    silence_s: float = 60.0


@dataclass(frozen=True)
class Patience:
    """When a study is taken to be complete, and for how long it is kept.

    Args:
        settle_s: seconds without a new object after which it may be.
        count_s: seconds after which a study is scored that has fewer images than its sender announced, and whose stack
            has no hole; and after which one that cannot be scored counts as given up.
        keep_s: seconds after which a study is removed.
    """

    settle_s: float = 10.0
    count_s: float = 300.0
    keep_s: float = 3 * 86_400.0


@dataclass(frozen=True)
class Door:
    """Where a listener is heard, and by whom.

    Args:
        host: the address that it binds to.
        port: of it; 0 takes a free one.
        ae_title: what it is called.
        callers: the AE titles that it talks to; none means all.
        certificate: its certificate chain, for TLS.
        key: of the certificate.
        authority: certificates that a sender's own must be signed by.
    """

    host: str = "127.0.0.1"
    port: int = 11112
    ae_title: str = "NODULUS"
    callers: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None


@dataclass(frozen=True)
class Settings:
    """All that a listener is told but for how it scores and where its answers go."""

    spool: Path
    door: Door = field(default_factory=Door)
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
