"""No deadline is lost, none fires twice: not over a restart, not with two tickers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from muster.journal import deadlines
from muster.journal.context import Due
from muster.journal.deadlines import Ticker
from muster.journal.perform import Answer, Operation

from .conftest import START
from .diary import CLOSE, NOTE, OPEN, RING, Close, Note, Open, Shelf, together

MATTERS = [str(uuid.UUID(int=n)) for n in range(1, 31)]


def ticker(shelf: Shelf) -> Ticker:
    return Ticker(shelf.journal, lambda _name: RING)


def opened(shelf: Shelf, count: int = len(MATTERS)) -> None:
    """Matter n is due n minutes after the start."""
    for n, matter in enumerate(MATTERS[:count], start=1):
        due = START + timedelta(minutes=n)
        shelf.do(OPEN, matter, Open(read_by=due), command=f"open {matter}")


def rung(shelf: Shelf) -> list[str]:
    """Matters whose clock rang, in the order of ringing."""
    with shelf.pool.connection() as connection:
        rows = connection.execute(
            "SELECT matter::text FROM entry WHERE kind = 'diary.rang' ORDER BY position"
        ).fetchall()
    return [row[0] for row in rows]


def test_each_fires_once_in_order_and_none_too_early(shelf: Shelf) -> None:
    opened(shelf)
    assert ticker(shelf).run_due(START) == 0
    assert ticker(shelf).run_due(START + timedelta(minutes=10)) == 10
    assert rung(shelf) == MATTERS[:10]
    assert ticker(shelf).run_due(START + timedelta(minutes=10)) == 0
    assert ticker(shelf).run_due(START + timedelta(days=1)) == 20
    assert rung(shelf) == MATTERS
    assert shelf.count("deadline") == 0


def test_more_than_a_batch(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "BATCH", 7)
    opened(shelf, 21)
    assert ticker(shelf).run_due(START + timedelta(days=1)) == 21
    assert rung(shelf) == MATTERS[:21]


def test_what_was_moved_or_settled_does_not_fire(shelf: Shelf) -> None:
    opened(shelf, 2)
    shelf.do(NOTE, MATTERS[0], Note(text="x", read_by=START + timedelta(days=2)), command="n")
    shelf.do(CLOSE, MATTERS[1], Close(), command="c")
    assert ticker(shelf).run_due(START + timedelta(days=1)) == 0
    assert ticker(shelf).run_due(START + timedelta(days=2)) == 1
    assert rung(shelf) == MATTERS[:1]


def test_over_restarts_none_is_lost_and_none_rings_twice(make_shelf: Callable[..., Shelf]) -> None:
    first = make_shelf()
    opened(first)

    class Killed(BaseException):
        pass

    def dies_after(shelf: Shelf, count: int) -> None:
        """The process ends right after a commit, before the ticker hears of it."""
        seen = []

        def appended(answer: Answer) -> None:
            seen.append(answer)
            if len(seen) == count:
                raise Killed

        shelf.journal.appended = appended

    for count in (1, 4, 9):
        shelf = make_shelf()
        dies_after(shelf, count)
        with pytest.raises(Killed):
            ticker(shelf).run_due(START + timedelta(days=1))
    ticker(make_shelf()).run_due(START + timedelta(days=1))
    assert sorted(rung(first)) == sorted(MATTERS)


def test_a_stale_ticker_repeats_and_nothing_happens(shelf: Shelf) -> None:
    opened(shelf, 1)
    due = START + timedelta(minutes=1)
    answers = [shelf.journal.perform(ticker(shelf).asked(MATTERS[0], "read", due)) for _ in "123"]
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0].entries) == 1
    assert rung(shelf) == MATTERS[:1]


def test_one_that_fails_by_a_defect_keeps_no_other_waiting(shelf: Shelf) -> None:
    opened(shelf, 5)
    bad = MATTERS[1]

    def decide(state: Any, asked: Due, context: Any) -> Any:
        if context.matter == bad:
            raise ZeroDivisionError
        return RING.decide(state, asked, context)

    faulty = Operation(name="diary.ring", input=Due, decide=decide)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):  # it is told, every time
            Ticker(shelf.journal, lambda _name: faulty).run_due(START + timedelta(days=1))
    assert rung(shelf) == [one for one in MATTERS[:5] if one != bad]
    assert ticker(shelf).run_due(START + timedelta(days=1)) == 1  # mended: it is not lost
    assert rung(shelf)[-1] == bad


def test_two_tickers_at_once_ring_each_once(make_shelf: Callable[..., Shelf]) -> None:
    shelves = [make_shelf(), make_shelf(), make_shelf()]
    opened(shelves[0])
    until = START + timedelta(days=1)
    results = together(3, lambda n: ticker(shelves[n]).run_due(until))
    assert all(isinstance(result, int) for result in results), results
    assert sorted(rung(shelves[0])) == sorted(MATTERS)
