"""When a study is looked at: told by a clock that the test turns."""

from __future__ import annotations

import pytest

from nodulus.pipeline.listener.board import Board, Due, State
from nodulus.pipeline.listener.settings import Patience

SETTLE_S, COUNT_S, KEEP_S = 10.0, 300.0, 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    return Board(Patience(SETTLE_S, COUNT_S, KEEP_S), clock)


def arrive(board: Board, study: str, n: int = 1, sender: int = 1) -> None:
    for _ in range(n):
        board.add(study, sender)


def test_a_study_is_due_once_its_association_ended_and_a_quiet_time_passed(board: Board, clock: Clock) -> None:
    arrive(board, "a", 3)
    clock.now += SETTLE_S + 1
    assert board.next_due(0) is None  # the association is open
    board.is_closed(1)
    due = board.next_due(0)
    assert due is not None
    assert (due.study, due.n_objects, due.is_urged, due.since) == ("a", 3, False, 1000.0 + SETTLE_S)
    arrive(board, "a", sender=2)
    board.is_closed(2)
    assert board.next_due(0) is None  # the quiet time begins anew


def test_a_quiet_study_is_looked_at_ahead_once_for_what_it_has(board: Board, clock: Clock) -> None:
    arrive(board, "a", 3)
    arrive(board, "b", sender=2)
    board.is_closed(1)
    assert board.next_due(0) is None  # the next association may follow at once
    clock.now += SETTLE_S / 2
    ahead = board.next_due(0)
    assert ahead is not None
    assert (ahead.study, ahead.n_objects, ahead.is_ahead) == ("a", 3, True)
    assert board.next_due(0) is None  # of "b" more is coming
    arrive(board, "a", sender=3)
    board.is_closed(3)
    clock.now += SETTLE_S / 2
    assert board.next_due(0) == Due("a", 4, clock.now, is_urged=False, is_ahead=True)
    board.is_closed(2)  # "b" has been quiet for long: it is due, and what is due comes first
    due = board.next_due(0)
    assert due is not None
    assert (due.study, due.is_ahead) == ("b", False)


def test_the_study_that_is_due_for_longest_comes_first(board: Board, clock: Clock) -> None:
    for study in ("b", "a"):
        arrive(board, study)
        clock.now += 1
    board.is_closed(1)
    clock.now += SETTLE_S
    assert getattr(board.next_due(0), "study", None) == "b"


def test_what_comes_while_an_answer_is_made_or_is_on_its_way_is_looked_at_after_it_arrived(
    board: Board, clock: Clock
) -> None:
    arrive(board, "a", 3)
    board.is_closed(1)
    clock.now += SETTLE_S
    due = board.next_due(0)
    assert due is not None
    arrive(board, "a", sender=2)
    board.judged(due, State.SCORED)
    board.is_closed(2)
    clock.now += SETTLE_S
    assert board.next_due(0) is None
    board.delivered("a")
    again = board.next_due(0)
    assert again is not None
    assert again.n_objects == 4


def test_announced_images_are_waited_for_but_not_for_ever(board: Board, clock: Clock) -> None:
    arrive(board, "a")
    board.is_closed(1)
    clock.now += SETTLE_S
    first = board.next_due(0)
    assert first is not None
    board.judged(first, State.WAITING, is_short=True)
    assert board.next_due(0) is None
    clock.now += COUNT_S
    assert board.give_up_the_old() == []  # it gets its last look first
    urged = board.next_due(0)
    assert urged is not None
    assert urged.is_urged
    board.judged(urged, State.WAITING)
    assert board.next_due(0) is None
    assert board.give_up_the_old() == ["a"]
    assert board.counts()[State.GIVEN_UP] == 1
    assert board.n_waiting() == 0
    arrive(board, "a", sender=3)
    assert board.counts()[State.RECEIVING] == 1


def test_at_the_start_only_what_has_no_answer_yet_is_due(board: Board, clock: Clock) -> None:
    board.found("answered", 3, State.ANSWERED, is_judged=True)
    board.found("grown", 3, State.SCORED, is_judged=False)
    board.found("new", 3, State.RECEIVING, is_judged=False)
    clock.now += SETTLE_S
    assert getattr(board.next_due(0), "study", None) == "new"
    board.delivered("grown")
    assert board.counts()[State.ANSWERED] == 1
    assert board.counts()[State.RECEIVING] == 2


def test_old_studies_go_and_of_a_full_spool_the_answered_ones(board: Board, clock: Clock) -> None:
    board.found("answered", 3, State.ANSWERED, is_judged=True)
    board.found("waiting", 2, State.RECEIVING, is_judged=False)
    clock.now += SETTLE_S + 1
    assert board.removable(is_full=False) == []
    assert board.removable(is_full=True) == [("answered", 3)]
    clock.now += KEEP_S
    assert board.removable(is_full=False) == [("answered", 3)]
    board.forget("waiting")
    board.forget("answered")
    assert board.counts()[State.RECEIVING] == 1
    assert board.counts()[State.ANSWERED] == 0


def test_a_sender_whose_end_nobody_told_is_forgotten(board: Board, clock: Clock) -> None:
    arrive(board, "a", sender=7)
    clock.now += SETTLE_S
    board.keep_senders({8})
    assert board.next_due(0) is not None
