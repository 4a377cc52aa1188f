"""A real PACS for tests: Debian's Orthanc on loopback, with a database that is thrown away."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.support.dicom_validators import needed_file, needed_tool

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
_STARTS_WITHIN_S = 120


@contextmanager
def running_orthanc(folder: Path, **more: Any) -> Iterator[str]:
    """Yield the address of an Orthanc that keeps its files in a folder and is stopped afterwards.

    What more its configuration says may turn DICOM's own protocol on; see ``hearing``.
    """
    program = needed_tool("Orthanc", "orthanc")
    needed_file(PLUGIN, "orthanc-dicomweb")
    port = free_port()
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [PLUGIN],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/system", process)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def hearing(port: int, title: str, peer_port: int = 104) -> dict[str, Any]:
    """Return the configuration of a DICOM server at a port that hears one modality, called so, of this machine alone.

    It binds to all addresses, whatever it is told: only who it knows by title and host is let in.
    """
    return {
        "DicomServerEnabled": True,
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "DicomCheckCalledAet": False,
        "DicomCheckModalityHost": True,
        "DicomAlwaysAllowEcho": False,
        "DicomAlwaysAllowStore": False,
        "DicomModalities": {"nodulus": [title, "127.0.0.1", peer_port]},
    }


def store(address: str, paths: Iterable[Path]) -> None:
    """Put DICOM files into the PACS."""
    for path in paths:
        request = urllib.request.Request(f"{address}/instances", data=path.read_bytes(), method="POST")
        urllib.request.urlopen(request, timeout=60).close()


def counts_in(address: str) -> dict[str, int]:
    """Return how many objects of each modality the PACS has."""
    with urllib.request.urlopen(f"{address}/series?expand", timeout=60) as answer:
        series = json.loads(answer.read())
    counts: Counter[str] = Counter()
    for each in series:
        counts[each["MainDicomTags"]["Modality"]] += len(each["Instances"])
    return dict(counts)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Orthanc did not start: {process.args!r}")
