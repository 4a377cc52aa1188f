"""A load on a listener with a real archive behind it, in which it is killed again and again."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass
class Outages:
    """When the listener was killed, and when the next one had loaded its model, on the monotonic clock."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, listener: ListenerProcess) -> None:
        """Kill a listener and start it again; note when it scores again, without waiting for it."""
        killed = time.monotonic()
        listener.kill()
        listener.start()
        self.threads.append(threading.Thread(target=self._note_end, args=(killed, listener), daemon=True))
        self.threads[-1].start()

    def meets(self, since: float, until: float) -> bool:
        """Return whether a time from one point to another met an outage."""
        return any(since < ready and killed < until for killed, ready in self.spans)

    def _note_end(self, killed: float, listener: ListenerProcess) -> None:
        while not _scores(listener):
            time.sleep(0.05)
        self.spans.append((killed, time.monotonic()))


def _scores(listener: ListenerProcess) -> bool:
    try:
        return listener.is_ready()
    except OSError:  # it was killed meanwhile, and the next one is not there yet
        return False


def run_load(load: Load, model: SmallStudy, folder: Path) -> dict[str, Any]:
    """Send a load, and return what was lost and doubled, and how long what took."""
    planned, sent, outages = plan(load.n_studies, load.seed), Sent(), Outages()
    with running_orthanc(folder / "pacs") as address:
        watch = ArchiveWatch(address)
        listener = ListenerProcess(folder / "spool", f"{address}/dicom-web", "--callers", TITLE, settle_s=load.settle_s)
        listener.start()
        try:
            wait_for(lambda: listener.is_ready())
            n_objects = load.n_studies * len(model.objects)
            points = kill_points(load.n_kills, n_objects, load.seed)
            _send(load, planned, model, sent, lambda: outages.begin(listener), points, listener.port)
            wait_for(lambda: _all_answered(listener, load.n_studies), load.ends_within_s)
        finally:
            time.sleep(1)  # the last that arrived is seen
            listener.stop()
            watch.stop()
        return _found(load, planned, model, sent, outages, listener, address, watch)


def _all_answered(listener: ListenerProcess, n_studies: int) -> bool:
    return listener.metric('studies{state="answered"}') == n_studies


def _send(
    load: Load,
    planned: list[Planned],
    model: SmallStudy,
    sent: Sent,
    kill: Callable[[], None],
    points: list[int],
    port: int,
) -> None:
    """Send all studies to a port by some senders; kill who listens there after so many acknowledgements, each time."""
    pairs: queue.Queue[list[Planned]] = queue.Queue()
    for start in range(0, len(planned), 2):
        pairs.put(planned[start : start + 2])
    failed: list[BaseException] = []
    began = time.monotonic()

    def work(seed: int) -> None:
        sender = Sender(port, model, sent, load.settle_s + 4, seed)
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
    for point in points:
        while sent.n_acknowledged < point and any(thread.is_alive() for thread in threads):
            time.sleep(0.002)
        kill()
    for thread in threads:
        thread.join()
    assert not failed, failed


def _found(
    load: Load,
    planned: list[Planned],
    model: SmallStudy,
    sent: Sent,
    outages: Outages,
    listener: ListenerProcess,
    address: str,
    watch: ArchiveWatch,
) -> dict[str, Any]:
    studies = [each.made_of(model) for each in planned]
    reports, pictures = reports_in(address, watch)
    lost, doubled = lost_and_doubled(studies, reports, pictures)
    in_spool = objects_in(listener.spool)
    expected = Counter(str(one.SOPInstanceUID) for study in studies for one in study.objects)
    spans = [
        (sent.acknowledged[study.number] + load.settle_s, last.seen)
        for study in studies
        for last in last_reports(reports.get(study.study_uid, []))
    ]
    undisturbed = [until - since for since, until in spans if not outages.meets(since - load.settle_s, until)]
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
        "studies_a_second": load.a_second,
        "quiet_s": load.settle_s,
        "outage_s": _quantiles(np.array([ready - killed for killed, ready in outages.spans])),
        "report_after_quiet_s": _quantiles(np.array(undisturbed)),
        "studies_that_met_no_kill": len(undisturbed),
        "report_after_quiet_with_kills_s": _quantiles(np.array([until - since for since, until in spans])),
    }


def _quantiles(values: np.ndarray) -> dict[str, float] | None:
    if not len(values):  # a small load on a busy machine: a kill met every study
        return None
    return {name: round(float(np.quantile(values, at)), 3) for name, at in (("median", 0.5), ("p95", 0.95), ("max", 1))}
