"""Where answers go: an archive that speaks DICOMweb, or one that takes C-STORE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made when the module is loaded
    Comprehensive3DSRStorage,
    SecondaryCaptureImageStorage,
)

from nodulus.pipeline.pacs.archive import Archive
from nodulus.pipeline.pacs.errors import ArchiveError
from nodulus.pipeline.pacs.store import store_once
from nodulus.transforms.problems import UsageError

from .refused_sockets import close_refused_sockets

_DICOM_TARGET = re.compile(r"(?P<title>[^@\\]{1,16})@(?P<host>[^@:\s]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_CONNECTS_WITHIN_S, _ANSWERS_WITHIN_S = 10, 60
_MOST_SECONDS_SILENT = 60
# PS3.7 annex C: taken, if with a warning.
_SUCCESS, _WARNINGS = 0x0000, range(0xB000, 0xC000)


class Target(Protocol):
    """Takes the objects of an answer."""

    def store(self, paths: Sequence[Path]) -> None:
        """Put objects there; those that it has already are not doubled.

        Raises:
            ArchiveError: it does not take one.
        """


class WebTarget:
    """An archive at a DICOMweb address."""

    def __init__(self, url: str) -> None:
        self._archive = Archive(url)

    def store(self, paths: Sequence[Path]) -> None:
        """Put those objects there that it does not hold, and look for each afterwards."""
        store_once(self._archive, paths)


class DicomTarget:
    """An archive that takes C-STORE. One that gets an object again keeps it once, by its UID.

    Args:
        title: what it is called.
        host: its address.
        port: of it.
        own_title: what the listener is called.
    """

    def __init__(self, title: str, host: str, port: int, own_title: str) -> None:
        close_refused_sockets()
        self.title, self.host, self.port = title, host, port
        self._ae = ApplicationEntity(own_title)
        self._ae.connection_timeout = _CONNECTS_WITHIN_S
        self._ae.acse_timeout = self._ae.dimse_timeout = _ANSWERS_WITHIN_S
        self._ae.network_timeout = _MOST_SECONDS_SILENT
        for kind in (Comprehensive3DSRStorage, SecondaryCaptureImageStorage):
            self._ae.add_requested_context(kind, ExplicitVRLittleEndian)

    def store(self, paths: Sequence[Path]) -> None:
        """Send all objects in one association."""
        association = self._ae.associate(self.host, self.port, ae_title=self.title)
        if not association.is_established:
            raise ArchiveError(f"Expected {self.title} at {self.host}:{self.port} to listen, got no association")
        try:
            for path in paths:
                try:
                    status = association.send_c_store(dcmread(path)).get("Status")
                except (ValueError, RuntimeError) as error:  # the class is not taken there; the association broke off
                    raise ArchiveError(f"Expected {self.title} to take an answer, got {error}") from error
                if status is None or (status != _SUCCESS and status not in _WARNINGS):
                    got = "none" if status is None else f"0x{status:04X}"
                    raise ArchiveError(f"Expected {self.title} to store an answer, got status {got}")
        finally:
            if association.is_established:
                association.release()


def read_target(text: str, own_title: str) -> Target:
    """Return what a user names: ``http://...`` or ``https://...``, else ``TITLE@HOST:PORT``.

    Raises:
        UsageError: it is neither.
    """
    if text.startswith(("http://", "https://")):
        return WebTarget(text)
    found = _DICOM_TARGET.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise UsageError(f"Expected an archive as TITLE@HOST:PORT or a DICOMweb address, got '{text}'")
    return DicomTarget(found["title"], found["host"].strip("[]"), int(found["port"]), own_title)
