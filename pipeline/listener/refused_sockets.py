"""What becomes of a connection that was refused: its socket is closed, which pynetdicom leaves to the garbage."""

from __future__ import annotations

import socket
from contextlib import suppress

from pynetdicom.transport import AssociationSocket


def close_refused_sockets() -> None:
    """Let pynetdicom close a socket that was never connected: it shuts it down first, which fails, and goes no further.

    An archive that is down for a night would be hundreds of open sockets. Calling it again changes nothing.
    """
    AssociationSocket._shutdown_socket = _close  # type: ignore[method-assign]


def _close(self: AssociationSocket) -> None:
    if (found := self.socket) is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            found.close()
