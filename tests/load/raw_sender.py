"""A sender made of bytes, which sends what no library would."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import build_context

from nodulus.pipeline.listener.arrival import KINDS

ANSWERS_WITHIN_S = 30.0
RELEASE = bytes.fromhex("05000000000400000000")


def request_unit(title: str = "SENDER") -> bytes:
    """Return a sound request for an association (A-ASSOCIATE-RQ, PS3.8 9.3.2) with a context of each kind."""
    asked = A_ASSOCIATE()
    asked.application_context_name = "1.2.840.10008.3.1.1.1"
    asked.calling_ae_title, asked.called_ae_title = title, "NODULUS"
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16384, "1.2.3"
    asked.user_information = [length, implementation]
    contexts = [build_context(kind, [ExplicitVRLittleEndian]) for kind in KINDS]
    for index, context in enumerate(contexts):
        context.context_id = 2 * index + 1
    asked.presentation_context_definition_list = contexts
    unit = A_ASSOCIATE_RQ()
    unit.from_primitive(asked)
    return bytes(unit.encode())


def object_units(sop_class: str, sop_uid: bytes, dataset: bytes) -> list[bytes]:
    """Return the units of a C-STORE-RQ (PS3.7 9.3.1.1) of an object under any name."""
    context = 2 * list(KINDS).index(sop_class) + 1
    elements = (
        (0x0002, sop_class.encode()),
        (0x0100, struct.pack("<H", 1)),
        (0x0110, struct.pack("<H", 7)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", 1)),
        (0x1000, sop_uid),
    )
    command = b"".join(_element(number, value) for number, value in elements)
    command = struct.pack("<HHLL", 0, 0, 4, len(command)) + command
    parts = [dataset[start : start + 16_000] for start in range(0, len(dataset), 16_000)] or [b""]
    return [
        _data_unit(context, 3, command),
        *(_data_unit(context, 2 if index == len(parts) else 0, part) for index, part in enumerate(parts, 1)),
    ]


class RawConnection:
    """A connection on which bytes are sent and units are read."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, content: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(content)

    def unit(self, within_s: float = ANSWERS_WITHIN_S) -> tuple[int, bytes]:
        """Return the kind and the content of the next unit; ConnectionError where the other side ends."""
        self._socket.settimeout(within_s)
        kind, _, length = struct.unpack(">BBL", self._exactly(6))
        return kind, self._exactly(length)

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _exactly(self, n_bytes: int) -> bytes:
        received = b""
        while len(received) < n_bytes:
            part = self._socket.recv(n_bytes - len(received))
            if not part:
                raise ConnectionResetError("the other side ended")
            received += part
        return received


def status_in(content: bytes) -> int | None:
    """Return the status in a unit of data, None where there is none."""
    return next((struct.unpack("<H", value)[0] for number, value in _elements(content[6:]) if number == 0x0900), None)


def _elements(command: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 8 <= len(command):
        _, number, length = struct.unpack_from("<HHL", command, at)
        yield number, command[at + 8 : at + 8 + length]
        at += 8 + length


def _element(number: int, value: bytes) -> bytes:
    padded = value + b"\0" * (len(value) % 2)
    return struct.pack("<HHL", 0, number, len(padded)) + padded


def _data_unit(context: int, header: int, content: bytes) -> bytes:
    item = struct.pack(">LBB", len(content) + 2, context, header) + content
    return struct.pack(">BBL", 4, 0, len(item)) + item
