"""Deadlines and reactions over restarts: none lost, none twice, whatever dies when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster import app
from muster.journal.context import Actor
from muster.journal.deadlines import Ticker
from muster.journal.perform import Answer
from muster.journal.reactions import Reactor
from tests.instance import Database, settings_for
from tests.invariants.acting import UNITS, Acting
from tests.invariants.rebuilt import assert_rebuild_equals_live

ONCE = (
    "SELECT matter::text, kind, convert_from(bytes, 'UTF8')::jsonb->'body'->>'order' FROM entry"
    " WHERE kind IN ('order.lapsed', 'order.given', 'incident.clock_missed')"
)


class Killed(BaseException):
    """The process ends here, without any tidying."""


@pytest.fixture
def start(city_database: Database, tmp_path: Path) -> Iterator[Callable[[], Acting]]:
    """Opens the same data folder and database again and again: each is a process of its own."""
    opened: list[app.System] = []

    def again() -> Acting:
        settings = settings_for(city_database, tmp_path / "data", clock="driven")
        opened.append(app.open_system(settings))
        return Acting(opened[-1])

    yield again
    assert_rebuild_equals_live(opened[-1])
    for system in opened:
        system.stop()


def dies_at_commit(acting: Acting, count: int) -> None:
    """The process ends right after the `count`th commit of the system, before it learns of it."""
    seen: list[Answer] = []
    listen = acting.system.platform.journal.appended

    def appended(answer: Answer) -> None:
        listen(answer)
        seen.append(answer)
        if len(seen) == count:
            raise Killed

    acting.system.platform.journal.appended = appended


def test_each_clock_rings_once_though_the_server_dies_after_any_commit(
    start: Callable[[], Acting],
) -> None:
    first = start()
    first.on_duty(*UNITS)
    matters = [first.report() for _ in range(8)]
    for matter, unit in zip(matters, UNITS, strict=False):
        first.dispatch(matter, unit)
    day = 24 * 3600
    for count in (1, 2, 1, 3, 2):
        acting = start()
        dies_at_commit(acting, count)
        with pytest.raises(Killed):
            acting.wait(day)
    last = start()
    last.wait(day)
    seen = Counter(last.rows(ONCE))
    doubled = {what: times for what, times in seen.items() if times > 1}
    assert not doubled
    assert sum(kind == "order.lapsed" for _, kind, _ in seen) >= len(UNITS)
    overdue = last.rows("SELECT * FROM deadline WHERE due <= %s", last.system.platform.clock.now())
    assert overdue == []
    for matter in matters:  # the wait of each was missed, lapsed orders or not
        assert "incident.clock_missed" in last.kinds(matter)


def lapsed(acting: Acting) -> str:
    """A matter whose order was not signed in time; the clock has rung, nobody has reacted."""
    acting.on_duty(UNITS[0], UNITS[1])
    matter = acting.report()
    order = acting.dispatch(matter, UNITS[0])
    due = acting.state(matter).due[f"sign:{order}"]
    clock = acting.system.platform.driven
    assert clock is not None
    clock.advance(due)
    assert acting.system.ticker.run_due(due) == 1
    assert acting.kinds(matter)[-1] == "order.lapsed"
    return matter


OFFERED = ["incident.reported", "order.given", "order.lapsed", "incident.escalated", "order.given"]


def test_a_reaction_happens_once_though_the_server_dies_before_remembering_it(
    start: Callable[[], Acting], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    matter = lapsed(first)

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Reactor, "_remember", killed)
        for _ in range(3):
            with pytest.raises(Killed):
                start().system.reactor.run_once()
    assert first.kinds(matter) == OFFERED
    again = start()
    again.system.reactor.run_once()
    again.system.reactor.run_once()
    assert again.kinds(matter) == OFFERED
    assert sum(o.active for o in again.state(matter).orders.values()) == 1


def test_a_reaction_is_not_lost_when_the_server_dies_before_it(
    start: Callable[[], Acting], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    matter = lapsed(first)

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Reactor, "_react", killed)
        with pytest.raises(Killed):
            start().system.reactor.run_once()
    assert first.kinds(matter)[-1] == "order.lapsed"
    again = start()
    again.system.start()  # what a server does when it starts
    again.wait(1)
    assert again.kinds(matter) == OFFERED


def test_a_reaction_waits_for_a_transaction_that_holds_the_feed_back(
    start: Callable[[], Acting], city_database: Database
) -> None:
    """The lapsed order is committed, but the feed does not show it yet: nobody may conclude
    that there is nothing to do."""
    acting = start()
    with psycopg.connect(city_database.owner_dsn) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        matter = lapsed(acting)
        acting.system._react()
        assert acting.kinds(matter)[-1] == "order.lapsed"
    acting.system._react()
    assert acting.kinds(matter) == OFFERED


def test_two_tickers_of_two_servers_ring_once(start: Callable[[], Acting]) -> None:
    """During a hand-over two processes may run for a moment."""
    one, two = start(), start()
    matter = one.report()
    due = one.state(matter).due["wait"]
    for acting in (one, two):
        ticker: Ticker = acting.system.ticker
        acting.system.platform.journal.perform(ticker.asked(matter, "wait", due))
    assert one.kinds(matter).count("incident.clock_missed") == 1


def test_only_the_system_performs_clocks(start: Callable[[], Acting]) -> None:
    acting = start()
    matter = acting.report()
    due = acting.state(matter).due["wait"]
    asked = acting.system.ticker.asked(matter, "wait", due)
    people = Actor("demo-dispatcher", acting.top("dispatcher").session)
    assert acting.refusal(people, "incident.clock", matter, asked.input) != ""
    assert acting.state(matter).due == {"wait": due}
    assert timedelta(0) < due - acting.state(matter).recorded_at
