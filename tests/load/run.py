"""A load on a listener with a real archive behind it, in which it is killed again and again."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.load.audit import ArchiveWatch, last_reports, lost_and_doubled, objects_in, reports_in
from tests.load.plan import Planned, kill_points, plan
from tests.load.senders import TITLE, Sender, Sent
from tests.support.listening import ListenerProcess, wait_for
from tests.support.orthanc import running_orthanc
from tests.support.small_studies import SmallStudy


@dataclass(frozen=True)
class Load:
    """How much: studies, kills, studies a second that are begun, seconds of quiet, and a seed."""

    n_studies: int
    n_kills: int
    a_second: float = 1.0
    settle_s: float = 1.0
    n_senders: int = 3
    seed: int = 0
    ends_within_s: float = 600.0


def run_load(load: Load, model: SmallStudy, folder: Path) -> dict[str, Any]:
    """Send a load, and return what was lost and doubled, and how long what took."""
    planned, sent = plan(load.n_studies, load.seed), Sent()
    with running_orthanc(folder / "pacs") as address:
        watch = ArchiveWatch(address)
        listener = ListenerProcess(folder / "spool", f"{address}/dicom-web", "--callers", TITLE, settle_s=load.settle_s)
        listener.start()
        try:
            wait_for(lambda: listener.is_ready())
            n_objects = load.n_studies * len(model.objects)
            _send(load, planned, model, sent, listener, kill_points(load.n_kills, n_objects, load.seed))
            wait_for(lambda: _all_answered(listener, load.n_studies), load.ends_within_s)
        finally:
            time.sleep(1)  # the last that arrived is seen
            listener.stop()
            watch.stop()
        return _found(load, planned, model, sent, listener, address, watch)


def _all_answered(listener: ListenerProcess, n_studies: int) -> bool:
    return listener.metric('studies{state="answered"}') == n_studies


def _send(
    load: Load,
    planned: list[Planned],
    model: SmallStudy,
    sent: Sent,
    listener: ListenerProcess,
    kills: list[int],
) -> None:
    """Send all studies by some senders; kill the listener after so many acknowledgements, and start it again."""
    pairs: queue.Queue[list[Planned]] = queue.Queue()
    for start in range(0, len(planned), 2):
        pairs.put(planned[start : start + 2])
    failed: list[BaseException] = []
    began = time.monotonic()

    def work(seed: int) -> None:
        sender = Sender(listener.port, model, sent, load.settle_s + 4, seed)
        late: list[Callable[[], None]] = []
        try:
            while True:
                pair = pairs.get_nowait()
                time.sleep(max(0.0, began + pair[0].number / load.a_second - time.monotonic()))
                if (then := sender.send(pair)) is not None:
                    late.append(then)
                if len(late) > 3:
                    late.pop(0)()
        except queue.Empty:
            for then in late:
                then()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(load.n_senders)]
    for thread in threads:
        thread.start()
    for point in kills:
        while sent.n_acknowledged < point and any(thread.is_alive() for thread in threads):
            time.sleep(0.002)
        listener.kill()
        listener.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def _found(
    load: Load,
    planned: list[Planned],
    model: SmallStudy,
    sent: Sent,
    listener: ListenerProcess,
    address: str,
    watch: ArchiveWatch,
) -> dict[str, Any]:
    studies = [each.made_of(model) for each in planned]
    reports, pictures = reports_in(address, watch)
    lost, doubled = lost_and_doubled(studies, reports, pictures)
    in_spool = objects_in(listener.spool)
    expected = Counter(str(one.SOPInstanceUID) for study in studies for one in study.objects)
    waits = [
        last.seen - sent.acknowledged[study.number] - load.settle_s
        for study in studies
        if not sent.again.get(study.number)
        for last in last_reports(reports.get(study.study_uid, []))
    ]
    return {
        "studies": load.n_studies,
        "objects": len(expected),
        "acknowledgements": sent.n_acknowledged,
        "kills": load.n_kills,
        "objects_lost": sum((expected - in_spool).values()),
        "objects_doubled": sum((in_spool - expected).values()),
        "answers_lost": lost,
        "answers_doubled": doubled,
        "revised": sum(len(each) > 1 for each in reports.values()),
        "strangers": sent.n_strangers,
        "strangers_let_in": sent.strangers_let_in,
        "acknowledged_ms": _quantiles(np.array(sent.seconds) * 1000),
        "report_after_quiet_s": _quantiles(np.array(waits)),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(np.quantile(values, at)), 3) for name, at in (("median", 0.5), ("p95", 0.95), ("max", 1))}
