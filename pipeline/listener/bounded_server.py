"""pynetdicom's server with what it lacks against senders that mean harm: bounds, and handshakes that hold nobody up."""

from __future__ import annotations

import socket as socket_module
import ssl
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import TYPE_CHECKING, cast

from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import A_P_ABORT
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from nodulus.transforms.problems import UsageError

from .settings import Door, Limits

if TYPE_CHECKING:
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.association import Association
    from pynetdicom.events import EventHandlerType

# We announce 128 kB a P-DATA-TF; a request for an association with 128 contexts of all syntaxes takes some 100 kB.
ANNOUNCED_PDU_BYTES = 1 << 17
MOST_PDU_BYTES = 1 << 20
# pynetdicom looks every 10 ms whether there is something to do: that would be most of the wait for an acknowledgement.
_LOOKS_EVERY_S = 0.001
# Linux has it, others have no need of it or no way to say so.
QUICK: int | None = getattr(socket_module, "TCP_QUICKACK", None)
_CHUNK_BYTES = 1 << 16
_NOT_SPECIFIED = 0x00  # PS3.8 9.3.8, of why a provider ends an association
_CONNECTIONS_AN_ASSOCIATION = 4


class TooLongError(OSError):
    """A sender goes on beyond what is taken: its connection ends."""


class BoundedSocket(AssociationSocket):
    """A connection that reads no protocol unit longer than any in earnest, and no object longer than allowed."""

    most_object_bytes = 0
    n_bytes = 0

    def begin_object(self) -> None:
        """Begin to count anew: an object was handled."""
        self.n_bytes = 0

    def recv(self, nr_bytes: int) -> bytearray:
        """Return so many bytes, fewer where the other side ends; OSError where they are too many."""
        self.n_bytes += nr_bytes
        if nr_bytes > MOST_PDU_BYTES or self.n_bytes > self.most_object_bytes:
            raise TooLongError("more bytes than are taken")
        acknowledge_at_once(cast(socket, self.socket))
        received = bytearray()
        while len(received) < nr_bytes:
            part = cast(socket, self.socket).recv(min(_CHUNK_BYTES, nr_bytes - len(received)))
            if not part:
                break
            received += part
        return received


class BoundedProvider(DULServiceProvider):
    """The thread that reads a connection: what it cannot make sense of ends the association, and not the thread alone.

    A unit that is not due raises in pynetdicom's state machine; the association would keep its place until a time-out.
    """

    def run(self) -> None:
        """Read until the connection ends."""
        try:
            super().run()
        except Exception:
            broken_off = A_P_ABORT()
            broken_off.provider_reason = _NOT_SPECIFIED
            self.to_user_queue.put(broken_off)
            if self.socket is not None:
                self.socket.close()


class BoundedHandler(RequestHandler):
    """Gives each association a bounded connection."""

    def _create_association(self) -> Association:
        association = super()._create_association()
        bounded = association.dul.socket
        # Not a new one beside it: each announces a connection to the state machine when it is made.
        bounded.__class__ = BoundedSocket
        cast(BoundedSocket, bounded).most_object_bytes = cast(BoundedServer, self.server).most_object_bytes
        association.dul._run_loop_delay = _LOOKS_EVERY_S
        association.dul.__class__ = BoundedProvider
        return association


class BoundedServer(ThreadedAssociationServer):
    """Accepts connections, and leaves the handshake of TLS to the thread of each.

    Args:
        ae: what it serves.
        door: where, and what it is called.
        limits: how much it takes.
        context: of TLS, if that is spoken.
        handlers: of pynetdicom's events.
    """

    def __init__(
        self,
        ae: ApplicationEntity,
        door: Door,
        limits: Limits,
        context: ssl.SSLContext | None,
        handlers: list[EventHandlerType],
    ) -> None:
        self.most_object_bytes, self._silence_s = limits.object_bytes, limits.silence_s
        address = (door.host, door.port)
        super().__init__(
            ae, address, door.ae_title, ae.supported_contexts, context, handlers, request_handler=BoundedHandler
        )

    def get_request(self) -> tuple[socket, tuple[str, int]]:
        """Return the next connection."""
        client, address = cast(socket, self.socket).accept()
        client.settimeout(self._silence_s)
        client.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        if self.ssl_context:
            client = self.ssl_context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        return client, address

    def verify_request(self, request: object, client_address: object) -> bool:
        """Return whether a connection is taken: those that have not said yet who they are count, too."""
        return len(self.active_associations) < _CONNECTIONS_AN_ASSOCIATION * self.ae.maximum_associations

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a connection that ends in an error ends, and the events tell how many there were."""


def acknowledge_at_once(connection: socket) -> None:
    """Let a connection send TCP's acknowledgements at once, for as long as the system likes.

    Senders that leave Nagle's algorithm on, as pynetdicom does, send an object's command, and wait for TCP's
    acknowledgement before its data: with the usual delay that is 40 ms an object.
    """
    if QUICK is not None:
        connection.setsockopt(IPPROTO_TCP, QUICK, 1)


def tls_context(door: Door) -> ssl.SSLContext | None:
    """Return how TLS is spoken: 1.2 or later; with an authority, senders need a certificate that it signed.

    Raises:
        UsageError: a file cannot be used.
    """
    if door.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(door.certificate, door.key)
        if door.authority is not None:
            context.load_verify_locations(door.authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl's own errors are of this kind, too
        raise UsageError(f"Expected certificate, key and authority for {door.certificate}, got: {error}") from error
    return context
