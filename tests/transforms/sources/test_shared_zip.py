"""Many readers of one archive."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nodulus.transforms.sources.shared_zip import SharedZip

CONTENTS = {f"{index}.bin": random.Random(index).randbytes(20_000) for index in range(40)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive whose members have an extra field, which zipfile skips by a relative seek."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for index, (name, content) in enumerate(CONTENTS.items()):
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH8s", 0x9999, 8, b"skip me!")
            info.compress_type = zipfile.ZIP_STORED if index % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return tmp_path / "a.zip"


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns every microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.skipif(
    sys.version_info[:2] not in ((3, 12), (3, 13)),
    reason="a plain ZipFile passes here: zipfile races in Python 3.12 and 3.13, never in 3.10 and 3.11",
)
@pytest.mark.usefixtures("hasty_threads")
def test_threads_read_every_member_of_an_archive_as_it_is(archive: Path) -> None:
    shared = SharedZip(archive)

    def read(name: str) -> bytes:
        with shared.here().open(name) as stream:
            stream.seek(100)
            return stream.read(500)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for name, found in zip(CONTENTS, pool.map(read, CONTENTS), strict=True):
                assert found == CONTENTS[name][100:600], name


def test_no_two_threads_share_a_place_in_the_file(archive: Path) -> None:
    shared, meet = SharedZip(archive), threading.Barrier(4)

    def places() -> tuple[int, int]:
        first = shared.here()
        meet.wait(10)  # all four are alive, so that no object takes the place of one that is gone
        assert shared.here() is first
        assert first.fp is not None
        return id(first), first.fp.fileno()

    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(places) for _ in range(4)]]
    assert len({archive for archive, _ in found}) == 4
    assert len({file for _, file in found}) == 4


# In a process of its own: to fork one in which other tests have left threads may never end.
FORK = """
import os, sys
from pathlib import Path
from nodulus.transforms.sources.shared_zip import SharedZip

shared = SharedZip(Path(sys.argv[1]))
before = shared.here()
child = os.fork()
if child == 0:
    is_own = shared.here() is not before and shared.here().read("3.bin") == bytes.fromhex(sys.argv[2])
    os._exit(0 if is_own else 1)
assert os.waitpid(child, 0)[1] == 0
assert shared.here() is before
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_opens_its_own(archive: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK, str(archive), CONTENTS["3.bin"].hex()], check=True, timeout=60)
