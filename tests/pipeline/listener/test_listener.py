"""The listener's own part, with scoring and archive played: what fails is tried again, and nothing is forgotten."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest

from nodulus.pipeline.listener.answers import digest_of, last_answer
from nodulus.pipeline.listener.events import Events
from nodulus.pipeline.listener.listener import Listener
from nodulus.pipeline.listener.looked import Looked
from nodulus.pipeline.listener.scoring_process import ScoringDiedError, ScoringProcess
from nodulus.pipeline.listener.settings import Door, Limits, Patience, Settings
from nodulus.pipeline.pacs.errors import ArchiveError
from tests.support.listening import send, wait_for
from tests.support.small_studies import SmallStudy, numbered


class PlayedScoring:
    """Answers each study with an empty report, dies as often as it is told to, or says what it is told."""

    def __init__(self, work: Path, n_deaths: int = 0, says: Looked | str | None = None) -> None:
        self.work, self.n_deaths, self.says = work, n_deaths, says
        self.looked_at: list[bool] = []

    def start(self) -> None: ...
    def interrupt(self) -> None: ...
    def stop(self) -> None: ...

    def look_at(self, study: Path, *, is_urged: bool) -> Looked | str:
        self.looked_at.append(is_urged)
        if len(self.looked_at) <= self.n_deaths:
            raise ScoringDiedError
        if self.says is not None and not is_urged:
            return self.says
        made = self.work / f"made-{len(self.looked_at)}"
        (made / "series").mkdir(parents=True)
        (made / "series" / "sr.dcm").write_bytes(b"report")
        (made / "answer.json").write_text(json.dumps({"digest": digest_of(study)}))
        return Looked(made)


class PlayedArchive:
    def __init__(self, n_failures: int = 0) -> None:
        self.n_failures = n_failures
        self.tried, self.stored = 0, list[str]()

    def store(self, paths: Sequence[Path]) -> None:
        self.tried += 1
        if self.tried <= self.n_failures:
            raise ArchiveError("nobody is there")
        self.stored += [path.parents[3].name for path in paths]


@contextmanager
def at_work(
    spool: Path, scoring: PlayedScoring, archive: PlayedArchive, **more: Any
) -> Iterator[tuple[Listener, int, StringIO]]:
    patience = Patience(**{"settle_s": 0.2, **more})
    settings = Settings(spool, Door(port=0), Limits(free_bytes=0), patience)
    log = StringIO()
    listener = Listener(settings, cast(ScoringProcess, scoring), archive, Events(log))
    try:
        yield listener, listener.start(), log
    finally:
        listener.stop()


def told(log: StringIO, event: str) -> list[dict[str, Any]]:
    return [each for line in log.getvalue().splitlines() if (each := json.loads(line))["event"] == event]


def states(listener: Listener) -> dict[str, float]:
    return {name: value for name, _, value in listener.gauges() if value and name.startswith("studies")}


def test_an_archive_that_is_away_gets_the_answer_when_it_is_back(tmp_path: Path, model_study: SmallStudy) -> None:
    scoring, archive = PlayedScoring(tmp_path / "spool" / "work"), PlayedArchive(n_failures=2)
    with at_work(tmp_path / "spool", scoring, archive) as (listener, port, log):
        send(port, model_study.images)
        wait_for(lambda: archive.stored)
        wait_for(lambda: states(listener) == {'studies{state="answered"}': 1.0})
    assert len(told(log, "delivery_failed")) == 2
    assert len(scoring.looked_at) == 1


def test_an_answer_that_had_not_arrived_is_delivered_by_the_next_listener_and_not_made_again(
    tmp_path: Path, model_study: SmallStudy
) -> None:
    spool = tmp_path / "spool"
    away, back = PlayedArchive(n_failures=10**6), PlayedArchive()
    with at_work(spool, PlayedScoring(spool / "work"), away) as (_, port, log):
        send(port, model_study.images)
        wait_for(lambda: told(log, "delivery_failed"))
    scoring = PlayedScoring(spool / "work")
    with at_work(spool, scoring, back) as (listener, port, _):
        wait_for(lambda: back.stored)
        wait_for(lambda: states(listener) == {'studies{state="answered"}': 1.0})
    with at_work(spool, scoring, back) as (listener, port, _):
        time.sleep(0.5)
        assert states(listener) == {'studies{state="answered"}': 1.0}
    assert (scoring.looked_at, len(back.stored)) == ([], 1)


def test_an_answer_waits_for_the_quiet_time_alone_and_for_what_comes_within_it(
    tmp_path: Path, model_study: SmallStudy
) -> None:
    spool = tmp_path / "spool"
    scoring, archive = PlayedScoring(spool / "work"), PlayedArchive()
    first, *others = model_study.images
    with at_work(spool, scoring, archive, settle_s=1.0) as (listener, port, log):
        send(port, others)
        wait_for(lambda: scoring.looked_at)
        assert not told(log, "looked")
        made = spool / "work" / "made-1"
        wait_for(made.exists)
        send(port, [first])
        wait_for(lambda: archive.stored)
        wait_for(lambda: states(listener) == {'studies{state="answered"}': 1.0})
        assert len(scoring.looked_at) == 2
        assert [each["outcome"] for each in told(log, "looked")] == ["scored"]
        assert not made.exists()
    (study,) = (spool / "studies").iterdir()
    answer = last_answer(study)
    assert answer is not None
    assert answer.digest == digest_of(study)
    assert answer.folder.name == "000001"


def test_a_study_that_kills_the_scoring_is_left_and_others_are_answered(
    tmp_path: Path, model_study: SmallStudy
) -> None:
    scoring, archive = PlayedScoring(tmp_path / "spool" / "work", n_deaths=3), PlayedArchive()
    with at_work(tmp_path / "spool", scoring, archive) as (listener, port, log):
        send(port, model_study.images)
        wait_for(lambda: len(told(log, "scoring_died")) == 3)
        send(port, numbered(model_study, 2).images)
        wait_for(lambda: archive.stored)
        wait_for(lambda: states(listener) == {'studies{state="answered"}': 1.0, 'studies{state="waiting"}': 1.0})
        assert listener.is_well()


@pytest.mark.parametrize("says", [Looked(codes=("missing_slices",)), "MemoryError"])
def test_a_study_that_gives_no_answer_waits_and_is_given_up(
    says: Looked | str, tmp_path: Path, model_study: SmallStudy
) -> None:
    scoring = PlayedScoring(tmp_path / "spool" / "work", says=says)
    with at_work(tmp_path / "spool", scoring, PlayedArchive(), count_s=1.0) as (listener, port, log):
        send(port, model_study.images[:3])
        wait_for(lambda: states(listener) == {'studies{state="waiting"}': 1.0})
        wait_for(lambda: states(listener) == {'studies{state="given_up"}': 1.0})
        (looked,) = told(log, "looked")
        assert looked["outcome"] == (says if isinstance(says, str) else "missing_slices")
        scoring.says = None
        send(port, model_study.images[3:])
        wait_for(lambda: states(listener) == {'studies{state="answered"}': 1.0})


def test_announced_images_that_do_not_come_are_waited_for_and_then_not(tmp_path: Path, model_study: SmallStudy) -> None:
    scoring = PlayedScoring(tmp_path / "spool" / "work", says=Looked(codes=("announced_images",), is_short=True))
    archive = PlayedArchive()
    with at_work(tmp_path / "spool", scoring, archive, count_s=1.0) as (_, port, _log):
        send(port, model_study.images)
        wait_for(lambda: archive.stored)
    assert scoring.looked_at == [False, True]


def test_studies_are_removed_after_their_time_and_late_objects_begin_anew(
    tmp_path: Path, model_study: SmallStudy
) -> None:
    scoring, archive = PlayedScoring(tmp_path / "spool" / "work"), PlayedArchive()
    with at_work(tmp_path / "spool", scoring, archive, keep_s=1.0) as (listener, port, log):
        send(port, model_study.images)
        wait_for(lambda: told(log, "removed"))
        assert list((tmp_path / "spool" / "studies").iterdir()) == []
        assert states(listener) == {}
        assert send(port, model_study.images) == [0] * len(model_study.images)
        wait_for(lambda: len(archive.stored) == 2)


def test_each_answer_stays_beside_the_one_before(tmp_path: Path, model_study: SmallStudy) -> None:
    scoring, archive = PlayedScoring(tmp_path / "spool" / "work"), PlayedArchive()
    with at_work(tmp_path / "spool", scoring, archive) as (_, port, _log):
        send(port, model_study.images[:-1])
        wait_for(lambda: len(archive.stored) == 1)
        send(port, model_study.images[-1:])
        wait_for(lambda: len(archive.stored) == 2)
    (study,) = (tmp_path / "spool" / "studies").iterdir()
    assert sorted(path.name for path in (study / "answers").iterdir()) == ["000001", "000002"]
    last = last_answer(study)
    assert last is not None
    assert (last.digest, last.is_delivered) == (digest_of(study), True)
