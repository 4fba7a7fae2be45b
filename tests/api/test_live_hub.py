"""The hub: its thread, its clients, its beats; over an invented city."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from muster.api.live_client import Client
from muster.api.live_hub import LiveHub, Pace
from muster.journal.clock import DrivenClock
from muster.journal.context import Actor
from muster.journal.feed import Bell
from muster.telemetry.fixes import Kept
from muster.telemetry.latest import Latest
from tests.api.picture_world import NOW, Board
from tests.api.test_live_picture import replace, small_world

QUICK = Pace(
    poll_s=0.02,
    spacing_s=0.001,
    positions_s=0.05,
    beat_s=0.05,
    sessions_s=0.05,
    held_s=0.0,
    quiet_s=30.0,
    stuck_s=0.2,
)
WAIT_S = 20.0


class Seat:
    """A client of the hub and all it was sent. It takes nothing while `open` is cleared."""

    def __init__(self, hub: LiveHub, person: str) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.said: list[Any] = []
        self.hub = hub
        actor = Actor(person)
        self.client = Client(
            actor,
            hub.scope_key(actor),
            send=self._send,
            wire=None,
            afresh=lambda client: hub.enter(client, None),
        )
        self._draining = asyncio.create_task(self.client.drain())
        hub.enter(self.client, None)

    async def _send(self, text: str) -> None:
        await self.open.wait()
        self.said.append(msgspec.json.decode(text))

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.said if message["type"] == kind]

    def leave(self) -> None:
        self.hub.leave(self.client)
        self._draining.cancel()


class Office:
    """A hub over an invented city, and its seats."""

    def __init__(self, pace: Pace) -> None:
        self.world = small_world()
        self.latest = Latest()
        self.bell = Bell()
        self.hub = LiveHub(
            feed=self.world,
            board=Board(self.world),
            positions=self.latest,
            clock=DrivenClock(NOW),
            bell=self.bell,
            pace=pace,
        )
        self.seats: list[Seat] = []

    async def seat(self, person: str) -> Seat:
        taken = Seat(self.hub, person)
        self.seats.append(taken)
        await until(lambda: bool(taken.of("snapshot")))
        return taken

    def change(self, matter: str, **changes: Any) -> None:
        old = self.world.incidents[matter]
        self.world.incidents[matter] = replace(old, version=old.version + 1, **changes)
        self.world.happened(matter, "incident.changed", hold=False)
        self.bell.ring()


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def office(pace: Pace = QUICK) -> AsyncIterator[Office]:
    opened = Office(pace)
    opened.hub.start()
    try:
        yield opened
    finally:
        for one in opened.seats:
            one.leave()
        opened.hub.stop()


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_a_change_reaches_whoever_may_see_it() -> None:
    async def scene() -> None:
        async with office() as here:
            east, west = await here.seat("east-1"), await here.seat("west-1")
            here.change("i0")
            await until(lambda: bool(east.of("changes")))
            assert [row["id"] for row in east.of("changes")[0]["incidents"]] == ["i0"]
            here.change("i1")
            await until(lambda: bool(west.of("changes")))
            assert [row["id"] for row in west.of("changes")[0]["incidents"]] == ["i1"]

    play(scene)


def test_a_change_of_a_unit_without_an_entry_is_told() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            here.world.units["u0"] = replace(here.world.units["u0"], on_duty=False)
            here.hub.unit_changed("u0")
            await until(lambda: bool(east.of("changes")))
            assert east.of("changes")[0]["units"][0]["on_duty"] is False

    play(scene)


def test_positions_come_by_themselves() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            here.latest.update("u0", Kept(122_000_000, 30_000_000, 1, None, None, None))
            here.latest.update("u1", Kept(122_000_000, 30_000_000, 1, None, None, None))
            await until(lambda: bool(east.of("positions")))
            assert east.of("positions")[0]["positions"] == [["u0", 122.0, 30.0, None, 1]]
            here.hub.look(east.client, (0.0, 0.0, 1.0, 1.0))
            here.latest.update("u0", Kept(500_000, 500_000, 2, None, None, None))
            await until(lambda: len(east.of("positions")) > 1)

    play(scene)


def test_a_lost_database_is_said_and_nothing_is_lost() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            here.world.calls_until_away = 0
            here.change("i0", open=False)
            await until(lambda: any(beat["feed"] == "stalled" for beat in east.of("beat")))
            assert here.hub.trouble == "live: Away" and not east.of("changes")
            here.world.calls_until_away = None
            await until(lambda: bool(east.of("changes")))
            assert east.of("changes")[0]["gone"] == ["i0"]
            await until(lambda: east.of("beat")[-1]["feed"] == "ok")
            assert here.hub.trouble == ""

    play(scene)


def test_whoever_comes_while_the_database_is_away_hears_beats_and_then_the_snapshot() -> None:
    async def scene() -> None:
        async with office() as here:
            await here.seat("east-1")
            late = Seat(here.hub, "east-2")
            here.seats.append(late)
            here.world.calls_until_away = 0
            here.hub.leave(late.client)
            here.hub.enter(late.client, None)
            await until(lambda: any(beat["feed"] == "stalled" for beat in late.of("beat")))
            snapshots = len(late.of("snapshot"))
            here.world.calls_until_away = None
            await until(lambda: len(late.of("snapshot")) > snapshots)

    play(scene)


def test_entries_held_back_by_a_long_transaction_are_said() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            await until(lambda: bool(east.of("beat")))
            assert {beat["feed"] for beat in east.of("beat")} == {"ok"}
            here.world.happened("i0", "incident.changed", hold=True)
            await until(lambda: east.of("beat")[-1]["feed"] == "stalled")
            here.world.release()
            await until(lambda: east.of("beat")[-1]["feed"] == "ok")

    play(scene)


def test_an_ended_session_is_closed_with_nothing_happening() -> None:
    async def scene() -> None:
        async with office() as here:
            east, other = await here.seat("east-1"), await here.seat("east-2")
            here.world.ended.add("east-1")
            await until(east.client.ended.done)
            closing = east.client.ended.result()
            assert (closing.code, closing.reason) == (4401, "session.expired")
            assert not other.client.ended.done()

    play(scene)


def test_whoever_may_see_otherwise_begins_anew() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            here.world.grants["east-1"] = frozenset({"sea"})
            await until(lambda: len(east.of("snapshot")) == 2)
            assert [row["id"] for row in east.of("snapshot")[1]["incidents"]] == ["i2"]
            here.change("i2")
            await until(lambda: bool(east.of("changes")))

    play(scene)


def test_a_stalled_client_costs_the_others_nothing_and_is_told_afresh() -> None:
    async def scene() -> None:
        async with office(pace_with(stuck_s=60.0)) as here:
            stalled, others = await here.seat("east-1"), [await here.seat("east-2")]
            stalled.open.clear()
            for number in range(100):
                here.change("i0", open=number % 2 == 0)
                await until(lambda n=number: len(others[0].of("changes")) == n + 1)  # type: ignore[misc]
            assert stalled.client.resyncs == 1
            assert others[0].client.resyncs == 0
            stalled.open.set()
            await until(lambda: len(stalled.of("snapshot")) == 2)
            assert stalled.said[-1]["incidents"] == []

    play(scene)


def test_a_client_that_takes_nothing_for_too_long_is_cut_off() -> None:
    async def scene() -> None:
        async with office() as here:
            stalled, other = await here.seat("east-1"), await here.seat("east-2")
            stalled.open.clear()
            await until(stalled.client.ended.done)
            assert stalled.client.ended.result().cut
            assert not other.client.ended.done()

    play(scene)


def test_stopping_asks_everybody_to_come_back() -> None:
    async def scene() -> None:
        async with office() as here:
            east = await here.seat("east-1")
            here.hub.stop()
            assert east.client.ended.result().code == 1012

    play(scene)


def pace_with(**changes: Any) -> Pace:
    return Pace(**{**QUICK.__dict__, **changes})
