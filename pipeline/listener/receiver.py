"""The door to the network: C-STORE and C-ECHO, for those who may come."""

from __future__ import annotations

import logging
import threading
import time
from io import BytesIO
from typing import TYPE_CHECKING, cast

from pydicom.dataset import Dataset
from pynetdicom import _config, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when the module is loaded

from nodulus.transforms.dicom import transfer_syntaxes as syntaxes
from nodulus.transforms.problems import UsageError

from .arrival import KINDS, UnusableError, file_of
from .board import Board
from .bounded_server import ANNOUNCED_PDU_BYTES, BoundedServer, BoundedSocket, tls_context
from .events import Events
from .settings import Settings
from .spool import FullError, OtherContentError, Spool

if TYPE_CHECKING:
    from pynetdicom.events import Event

# PS3.4 table B.2-1; the comment beside a status has 64 letters (PS3.7 annex C).
SUCCESS, OUT_OF_RESOURCES, OTHER_CLASS, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
# Deflated is left out: how far an object inflates is not known before it has.
_SYNTAXES = [
    syntaxes.EXPLICIT_LITTLE,
    syntaxes.IMPLICIT_LITTLE,
    syntaxes.EXPLICIT_BIG,
    *sorted(syntaxes.COMPRESSED),
]


class Receiver:
    """Takes objects from the network into the spool.

    Args:
        settings: where, from whom, how much.
        spool: what was acknowledged is in it.
        board: hears of each new object.
        events: hears of everything.
    """

    def __init__(self, settings: Settings, spool: Spool, board: Board, events: Events) -> None:
        self._settings, self._spool, self._board, self._events = settings, spool, board, events
        self._ae = ApplicationEntity(settings.door.ae_title)
        self._ae.require_calling_aet = list(settings.door.callers)
        self._ae.maximum_pdu_size = ANNOUNCED_PDU_BYTES
        self._ae.maximum_associations = settings.limits.associations
        self._ae.network_timeout = self._ae.acse_timeout = self._ae.dimse_timeout = settings.limits.silence_s
        for kind in (Verification, *sorted(KINDS)):
            self._ae.add_supported_context(kind, _SYNTAXES)
        self._server: BoundedServer | None = None

    def start(self) -> int:
        """Begin to listen, and return the port.

        Raises:
            UsageError: the address or the certificate cannot be used.
        """
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # it logs what a sender sent
        _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
        door = self._settings.door
        context = tls_context(door)
        try:
            server = BoundedServer(self._ae, door, self._settings.limits, context, self._handlers())
        except (OSError, OverflowError) as error:
            raise UsageError(f"Expected to listen at {door.host}:{door.port}, got: {error}") from error
        self._server = server
        self._ae._servers.append(server)  # what `start_server` does, which knows no other kind of server
        threading.Thread(target=server.serve_forever, args=(0.05,), name="receiver", daemon=True).start()
        return int(server.server_address[1])

    def stop(self) -> None:
        """Listen no longer, and break off what is open: whose object was not acknowledged sends it again."""
        self._ae.shutdown()

    def senders(self) -> set[int]:
        """Return the associations that are open."""
        return set() if self._server is None else {id(each) for each in self._server.active_associations}

    def _handlers(self) -> list[evt.EventHandlerType]:
        return [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_ACCEPTED, lambda _: self._events.note("opened")),
            (evt.EVT_REJECTED, lambda _: self._events.note("caller_refused")),
            (evt.EVT_CONN_CLOSE, lambda event: self._board.is_closed(id(event.assoc))),
        ]

    def _echo(self, event: Event) -> int:
        _begin_object(event)
        return SUCCESS

    def _store(self, event: Event) -> Dataset:
        """Return the status of an object: success once it is on the disk."""
        began = time.monotonic()
        _begin_object(event)
        try:
            status, comment = self._taken(event)
        except Exception:  # whatever a sender can make of an object: it is refused, and the next one is heard
            self._events.note("refused", reason="not_understood")
            status, comment = NOT_UNDERSTOOD, "not understood"
        self._events.took("acknowledge", time.monotonic() - began)
        answer = Dataset()
        answer.Status = status
        if comment:
            answer.ErrorComment = comment
        return answer

    def _taken(self, event: Event) -> tuple[int, str]:
        """Return the status of an object, and a comment where it was not taken."""
        request = cast(C_STORE, event.request)
        dataset = cast(BytesIO, request.DataSet).getvalue()
        names = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
        try:
            content = file_of(*names, str(event.context.transfer_syntax), dataset)
            stored = self._spool.store(content, self._may_begin)
        except UnusableError as error:
            self._events.note("refused", reason=error.code)
            return (OTHER_CLASS if error.code == "misnamed" else NOT_UNDERSTOOD), error.code.replace("_", " ")
        except OtherContentError:
            self._events.note("refused", reason="other_content")
            return NOT_UNDERSTOOD + 1, "SOPInstanceUID is here with other content"
        except (FullError, OSError):
            self._events.note("refused", reason="out_of_resources")
            return OUT_OF_RESOURCES, "no room"
        if stored.is_new:
            self._board.add(stored.study, id(event.assoc))
        self._events.note("stored" if stored.is_new else "copy")
        return SUCCESS, ""

    def _may_begin(self) -> bool:
        return self._board.n_waiting() < self._settings.limits.waiting_studies


def _begin_object(event: Event) -> None:
    cast(BoundedSocket, event.assoc.dul.socket).begin_object()
