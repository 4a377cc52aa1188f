"""An archive that takes an answer, one that does not, and one that is not there."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity

from nodulus.pipeline.listener.target import read_target
from nodulus.pipeline.pacs.errors import ArchiveError
from tests.support.orthanc import free_port

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    written = Dataset()
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.SOPClassUID, written.SOPInstanceUID = Comprehensive3DSRStorage, "2.25.7"
    written.StudyInstanceUID, written.SeriesInstanceUID = "2.25.8", "2.25.9"
    written.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    return tmp_path / "sr.dcm"


@pytest.fixture
def archive() -> Iterator[Callable[[int], int]]:
    """Return what starts an archive that answers with a status, and returns its port."""
    with ExitStack() as at_end:

        def start(status: int, kind: str = Comprehensive3DSRStorage) -> int:
            ae = ApplicationEntity("ARCHIVE")
            ae.add_supported_context(kind)
            server = ae.start_server(
                ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda event: status)]
            )
            assert server is not None
            at_end.callback(server.shutdown)
            return int(server.server_address[1])

        yield start


@pytest.mark.parametrize("status", [0x0000, 0xB000])
def test_an_answer_that_is_taken_is_taken(status: int, archive: Callable[[int], int], report: Path) -> None:
    read_target(f"ARCHIVE@127.0.0.1:{archive(status)}", "NODULUS").store([report])


@pytest.mark.parametrize("status", [0xA700, 0xC123])
def test_an_answer_that_is_not_taken_is_an_error(status: int, archive: Callable[[int], int], report: Path) -> None:
    target = read_target(f"ARCHIVE@127.0.0.1:{archive(status)}", "NODULUS")
    with pytest.raises(ArchiveError, match=f"^Expected ARCHIVE to store an answer, got status 0x{status:04X}$"):
        target.store([report])


def test_an_archive_that_does_not_take_the_kind_is_an_error(archive: Callable[..., int], report: Path) -> None:
    target = read_target(f"ARCHIVE@127.0.0.1:{archive(0, '1.2.840.10008.5.1.4.1.1.7')}", "NODULUS")
    with pytest.raises(ArchiveError, match=r"^Expected ARCHIVE to take an answer, got "):
        target.store([report])


def test_an_archive_that_is_not_there_is_an_error(report: Path) -> None:
    port = free_port()
    with pytest.raises(ArchiveError, match=f"^Expected ARCHIVE at 127.0.0.1:{port} to listen, got no association$"):
        read_target(f"ARCHIVE@127.0.0.1:{port}", "NODULUS").store([report])


def test_a_connection_that_was_refused_leaves_no_socket_open(report: Path) -> None:
    target = read_target(f"ARCHIVE@127.0.0.1:{free_port()}", "NODULUS")
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            with pytest.raises(ArchiveError):
                target.store([report])
        gc.collect()
    assert [str(each.message) for each in told if each.category is ResourceWarning] == []
