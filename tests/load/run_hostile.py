"""Hostile senders at a listener: whether it still works afterwards, and what it wrote where."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian

from nodulus.pipeline.listener.arrival import UnusableError, file_of
from nodulus.pipeline.listener.settings import Limits
from nodulus.pipeline.listener.spool import OtherContentError, Spool
from tests.load import watched_listener
from tests.load.hostile import HostileSender, hostile_objects
from tests.support.listening import ListenerProcess, associate, send, wait_for
from tests.support.small_studies import SmallStudy, numbered

_OURS = re.compile(
    r"[0-9a-f]{32}(-[0-9a-f]{32})?|[0-9a-f]{32}\.(ct|mark)\.dcm|\d{6}|sr\.dcm|answer\.json|delivered|answers|key_images|\d+\.dcm"
)
# What the start of Python's processes and pipes opens.
_HARMLESS = re.compile(r"open '/dev/null'|subprocess.Popen|os.posix_spawn|open '/dev/shm/|.*pymp-")


def store_hostile(n: int, model: SmallStudy, folder: Path, seed: int = 1) -> Counter[str]:
    """Give a spool so many hostile objects as the receiver does, and return how they ended; any other end raises."""
    ends: Counter[str] = Counter()
    spool = Spool(folder, Limits(free_bytes=0))
    try:
        for one in hostile_objects(model, n, seed):
            try:
                name = one.sop_uid.decode("latin-1")
                stored = spool.store(file_of(one.sop_class, name, ExplicitVRLittleEndian, one.dataset))
                ends["new" if stored.is_new else "again"] += 1
            except UnusableError as error:
                ends[error.code] += 1
            except OtherContentError:
                ends["other_content"] += 1
    finally:
        spool.close()
    return ends


def odd_names(spool: Path) -> list[str]:
    """Return what in the studies' folders has a name that is not one of ours."""
    return [str(path) for path in spool.glob("studies/**/*") if not _OURS.fullmatch(path.name)]


def run_hostile(n_objects: int, n_units: int, model: SmallStudy, folder: Path, seed: int = 1) -> dict[str, Any]:
    """Send so many of each, and return how they ended and what is wrong with the listener then."""
    notes = folder / "writes.txt"
    command = (sys.executable, str(Path(watched_listener.__file__)), str(notes))
    nobody = "http://127.0.0.1:9/dicom-web"
    listener = ListenerProcess(folder / "spool", nobody, "--max-studies", "100000", start=command)
    listener.start()
    wait_for(listener.is_ready)
    try:
        n_open_before = _n_open(listener)
        sender = HostileSender(listener.port, model, seed)
        sender.send_objects(n_objects)
        sender.send_units(n_units)
        wait_for(lambda: _lets_in(listener))
        sound = send(listener.port, numbered(model, 998).objects)
        wait_for(lambda: _n_open(listener) <= n_open_before + 5)
        died = listener.metric("scoring_died_total")
        is_up = listener.process is not None and listener.process.poll() is None and listener.is_ready()
    finally:
        code = listener.stop()
    outside = [line for line in notes.read_text().splitlines() if not _HARMLESS.match(line)]
    log = listener.log.read_text()
    return {
        "objects": n_objects,
        "units": n_units,
        "ends": dict(Counter(sender.ends).most_common()),
        "sound_refused": sum(status != 0 for status in sound),
        "crashes": int(not is_up) + int(code != 0) + int(died) + log.count("Traceback"),
        "written_outside": outside,
        "odd_names": odd_names(folder / "spool"),
    }


def _lets_in(listener: ListenerProcess) -> bool:
    """Return whether a sound sender gets an association: the last hostile ones may still hold their places."""
    association = associate(listener.port)
    is_established = association.is_established
    if is_established:
        association.release()
    return is_established


def _n_open(listener: ListenerProcess) -> int:
    """Return how many files and connections the listener holds open."""
    assert listener.process is not None
    return len(list(Path(f"/proc/{listener.process.pid}/fd").iterdir()))
