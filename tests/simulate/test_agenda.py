"""Steps in order of their time, driven and live."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest

from muster.simulate.agenda import Agenda, ServerTime, Workers, play_driven

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def played(seed: int) -> list[tuple[float, int]]:
    """A chain of steps that put in more steps, by dice."""
    agenda, dice = Agenda(), random.Random(seed)
    told: list[datetime] = []
    seen: list[tuple[float, int]] = []

    def step(number: int, now: datetime) -> None:
        assert told[-1] == now
        seen.append(((now - START).total_seconds(), number))
        if number < 200:
            for offset in (1, 2):
                delay = dice.choice([0, 0, 1, 5, -3])
                agenda.after(now, delay, lambda at, n=number * 2 + offset: step(n, at))

    agenda.at(START, lambda now: step(0, now))
    play_driven(agenda, told.append, threading.Event())
    assert told == sorted(told), "time went back"
    return seen


def test_driven_play_is_in_order_and_the_same_for_a_seed() -> None:
    first = played(1)
    assert [at for at, _ in first] == sorted(at for at, _ in first)
    assert len(first) > 200
    assert played(1) == first
    assert played(2) != first


def test_steps_of_one_moment_keep_their_order() -> None:
    agenda, seen = Agenda(), []
    for number in range(50):
        agenda.at(START, lambda now, n=number: seen.append(n))
    play_driven(agenda, lambda now: None, threading.Event())
    assert seen == list(range(50))


def test_a_stopped_play_takes_no_more_steps() -> None:
    agenda, stop = Agenda(), threading.Event()
    agenda.at(after(1), lambda now: stop.set())
    agenda.at(after(2), lambda now: pytest.fail("taken after the stop"))
    play_driven(agenda, lambda now: None, stop)
    assert len(agenda) == 1


def test_live_workers_drain_the_agenda_and_never_take_a_step_early() -> None:
    agenda, clock = Agenda(), ServerTime(START, 1000.0)
    early: list[float] = []
    seen: list[int] = []

    def step(number: int, due: datetime, now: datetime) -> None:
        if now < due:
            early.append((due - now).total_seconds())
        seen.append(number)
        if number < 20:
            later = now + timedelta(seconds=5)
            agenda.at(later, lambda at: step(number + 100, later, at))

    for number in range(40):
        due = after(number % 7)
        agenda.at(due, lambda at, n=number, due=due: step(n, due, at))
    Workers(agenda, clock, threading.Event(), count=4).run(drain=True)
    assert sorted(seen) == [*range(40), *range(100, 120)]
    assert not early
    assert agenda.idle


def test_a_step_that_breaks_ends_the_play_loudly() -> None:
    agenda = Agenda()

    def broken(now: datetime) -> None:
        raise ZeroDivisionError("as asked")

    agenda.at(START, broken)
    workers = Workers(agenda, ServerTime(START, 1.0), threading.Event(), count=2)
    with pytest.raises(ZeroDivisionError):
        workers.run(drain=False)
    assert workers.failed_first


def test_the_servers_clock_is_followed_when_it_jumps() -> None:
    clock = ServerTime(START, 0.0)
    assert clock.now() == START
    clock.heard(after(100), 0.0)
    assert clock.now() == after(100)
