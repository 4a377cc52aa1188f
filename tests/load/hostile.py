"""Senders that mean harm: units of the protocol and objects that are damaged, each drawn by a seeded generator."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from pynetdicom.dsutils import encode

from tests.fuzz import damage, dicom_damage
from tests.load.raw_sender import RELEASE, RawConnection, object_units, request_unit, status_in
from tests.support.small_studies import SmallStudy

# What a path, a shell, a log or a UID might be made of.
NAMES = (
    *("../../../../tmp/out", "/etc/passwd", "..", ".", "a/b", "C:\\x", "\\\\host\\x", "CON", "%2e%2e%2f", "$(id)"),
    *("1.2.3\0.dcm", "1.2.3\n4", "\x1b[31m", "1" * 65, "1." * 40, " ", "-rf", "~", "\u00e9", "1.2.3/../4", "answers"),
)
_HEAD = bytes(128) + b"DICM"
_UID_PLACES = ((0x0008, 0x0018), (0x0020, 0x000D), (0x0020, 0x000E))
_LENGTHS = (0, 1, 5, 0xFFFF, 1 << 20, (1 << 20) + 1, 0x7FFFFFFF, 0xFFFFFFFF)
_WAITS_S = 0.01


@dataclass(frozen=True)
class HostileObject:
    """An object as it comes: its class, what its command calls it, and its data set."""

    sop_class: str
    sop_uid: bytes
    dataset: bytes


def hostile_objects(model: SmallStudy, n: int, seed: int) -> Iterator[HostileObject]:
    """Yield so many objects: damaged data sets, names that are paths, noise."""
    chance = Random(seed)
    sound = [(one, _encoded(one)) for one in (model.images[0], model.marks)]
    for _ in range(n):
        one, dataset = chance.choice(sound)
        sop_uid, how = str(one.SOPInstanceUID).encode(), chance.random()
        if chance.random() < 0.8:  # else one that may be there already
            new = b"%d" % chance.randrange(10**9, 10**10)
            sop_uid, dataset = sop_uid[:-10] + new, dataset.replace(sop_uid, sop_uid[:-10] + new)
        if how < 0.6:
            dataset = dicom_damage.of_dicom(_HEAD + dataset, chance)[len(_HEAD) :]
        elif how < 0.9:
            sop_uid, dataset = _misnamed(sop_uid, dataset, chance)
        else:
            dataset = chance.randbytes(chance.choice((0, 1, 7, 200, 5000)))
        yield HostileObject(str(one.SOPClassUID), sop_uid, dataset)


def _misnamed(sop_uid: bytes, dataset: bytes, chance: Random) -> tuple[bytes, bytes]:
    """Put a name in place of one of an object's UIDs; in place of its own, in the command, too."""
    name = chance.choice(NAMES).encode("utf-8")
    group, number = chance.choice(_UID_PLACES)
    at = dataset.find(struct.pack("<HH2s", group, number, b"UI"))
    after = at + 8 + int.from_bytes(dataset[at + 6 : at + 8], "little")
    padded = name + b"\0" * (len(name) % 2)
    changed = dataset[: at + 6] + struct.pack("<H", len(padded)) + padded + dataset[after:]
    return (name if number == 0x0018 else sop_uid), changed


class HostileSender:
    """Sends hostile objects and units to a listener, and counts how they ended.

    Args:
        port: of it.
        model: the study that is damaged.
        seed: of the generator.
    """

    def __init__(self, port: int, model: SmallStudy, seed: int) -> None:
        self._port, self._model, self._seed = port, model, seed
        self._connection: RawConnection | None = None
        one = model.images[0]
        sound = object_units(str(one.SOPClassUID), str(one.SOPInstanceUID).encode(), _encoded(one))
        self._units = [request_unit(), *sound, RELEASE]
        self.ends: Counter[str] = Counter()

    def send_objects(self, n: int) -> None:
        """Send so many objects, in few associations."""
        for one in hostile_objects(self._model, n, self._seed):
            self.ends[self._status(object_units(one.sop_class, one.sop_uid, one.dataset))] += 1
        self._end()

    def send_units(self, n: int) -> None:
        """Open so many connections, and send on each what a sound one sends, damaged, cut short, or noise."""
        chance = Random(self._seed)
        for _ in range(n):
            units = list(self._units)
            which, how = chance.randrange(len(units)), chance.randrange(4)
            if how == 0:
                units[which] = damage.of_bytes(units[which], chance, (0, min(len(units[which]), 600)))
            elif how == 1:
                units[which] = units[which][:2] + struct.pack(">L", chance.choice(_LENGTHS)) + units[which][6:]
            elif how == 2:
                units[which] = units[which][: chance.randrange(len(units[which]))]
            else:
                units = [chance.randbytes(chance.choice((1, 6, 80, 3000)))]
            self.ends[_exchange(self._port, units)] += 1

    def _status(self, units: list[bytes]) -> str:
        try:
            if self._connection is None:
                self._connection = RawConnection(self._port)
                self._connection.send(request_unit())
                kind, _ = self._connection.unit()
                assert kind == 2, "no association"
            for unit in units:
                self._connection.send(unit)
            kind, content = self._connection.unit()
        except OSError:
            self._end()
            return "object: connection ended"
        if kind != 4:
            self._end()
            return "object: association ended"
        return f"object: 0x{status_in(content) or 0:04X}"

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _exchange(port: int, units: list[bytes]) -> str:
    """Send units on a connection of their own, and return what came last."""
    last = "nothing"
    try:
        connection = RawConnection(port)
    except OSError:
        return "unit: no connection"
    with suppress(OSError):
        for unit in units:
            connection.send(unit)
            with suppress(TimeoutError):
                last = f"a unit of kind {connection.unit(_WAITS_S)[0]}"
    connection.close()
    return f"unit: {last}"


def _encoded(one: object) -> bytes:
    encoded = encode(one, False, True)  # type: ignore[arg-type]
    assert encoded is not None
    return encoded
