"""The live feed of a running Muster, through the real door."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from websockets.exceptions import InvalidStatus

from muster.supervise.postgres import Postgres
from tests.api.consoles import Console, live
from tests.instance import Database, Instance
from tests.stories.desk import Person, call, on_duty, signed_in

UNIT = "pt-shenjiamen-01"
HARBOUR = [122.2, 29.9, 122.4, 30.0]
FAR_AWAY = [0.0, 0.0, 1.0, 1.0]


def fixes(*spots: tuple[float, float]) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        {"lon": lon, "lat": lat, "at": now - timedelta(milliseconds=len(spots) - n), "heading": 90}
        for n, (lon, lat) in enumerate(spots)
    ]


def test_a_call_appears_changes_and_goes(live_server: Instance) -> None:
    taker, chief = signed_in(live_server, "call-taker"), signed_in(live_server, "duty-chief")
    board = Console(live_server, chief).come()
    assert board.hear() == "snapshot"
    assert board.incidents == {} and UNIT in board.units
    matter = str(uuid4())
    taker.do("/api/incidents", call(matter))
    board.until(lambda: matter in board.incidents)
    assert board.incidents[matter]["state"] == "waiting"
    assert board.incidents[matter] == chief.get(f"/api/incidents/{matter}")["row"]
    taker.do(f"/api/incidents/{matter}/request_cancel", {"kind": "invalid", "reason": "误拨"})
    chief.do(f"/api/incidents/{matter}/confirm_cancel")
    board.until(lambda: matter not in board.incidents)


def test_orders_and_duty_change_the_units(live_server: Instance) -> None:
    dispatcher = signed_in(live_server, "dispatcher")
    board = Console(live_server, dispatcher).come()
    board.until(lambda: UNIT in board.units)
    assert board.units[UNIT]["on_duty"] is False
    officer = on_duty(live_server, UNIT)
    board.until(lambda: bool(board.units[UNIT]["on_duty"]))
    matter, order = str(uuid4()), str(uuid4())
    signed_in(live_server, "call-taker").do("/api/incidents", call(matter))
    where = f"/api/incidents/{matter}"
    dispatcher.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": UNIT}]})
    board.until(lambda: (board.units[UNIT]["order"] or {}).get("state") == "given")
    officer.do(f"{where}/orders/{order}/sign", {"at": datetime.now(UTC)})
    board.until(lambda: (board.units[UNIT]["order"] or {}).get("state") == "signed")
    assert board.incidents[matter]["state"] == "signed"


def test_positions_reach_who_looks_there(live_server: Instance) -> None:
    officer, dispatcher = on_duty(live_server, UNIT), signed_in(live_server, "dispatcher")
    here = Console(live_server, dispatcher).come(HARBOUR)
    there = Console(live_server, dispatcher).come(FAR_AWAY)
    here.hear()
    there.hear()
    batch = fixes((122.30, 29.95), (122.31, 29.95), (999.0, 0.0))
    said = officer.do("/api/positions", {"unit": UNIT, "fixes": batch})
    rejected = [{"index": 2, "code": "position.outside_world"}]
    assert said == {"accepted": 2, "duplicates": 0, "rejected": rejected}
    here.until(lambda: UNIT in here.positions)
    assert here.positions[UNIT][:3] == [122.31, 29.95, 90]
    there.say({"type": "view", "view": HARBOUR})
    there.until(lambda: UNIT in there.positions)
    late = Console(live_server, dispatcher).come(HARBOUR)
    late.until(lambda: late.positions.get(UNIT, [0])[0] == 122.31)


def test_positions_of_a_unit_off_duty_are_refused(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    report = {"unit": UNIT, "fixes": fixes((122.3, 29.95))}
    officer.do("/api/positions", report)
    foreign = officer.try_to("/api/positions", {**report, "unit": "pt-shenjiamen-02"})
    assert (foreign.status, foreign.code) == (403, "position.off_duty")
    board = Console(live_server, signed_in(live_server, "dispatcher")).come()
    board.until(lambda: UNIT in board.units)
    assert board.units[UNIT]["position"] is not None
    officer.do(f"/api/units/{UNIT}/sign_off")
    board.until(lambda: board.units[UNIT]["position"] is None)
    refused = officer.try_to("/api/positions", report)
    assert (refused.status, refused.code) == (403, "position.off_duty")


def test_a_page_of_another_origin_gets_nothing(live_server: Instance) -> None:
    chief = signed_in(live_server, "duty-chief")
    for origin in ("http://example.org", "http://127.0.0.1:1", "null"):
        with pytest.raises(InvalidStatus) as refused:
            live(live_server, chief, Origin=origin)
        assert refused.value.response.status_code == 403
    live(live_server, chief, Origin=live_server.url).close()


def test_nobody_gets_nothing(live_server: Instance) -> None:
    with pytest.raises(InvalidStatus) as refused:
        live(live_server, None)
    assert refused.value.response.status_code == 403


def test_an_administrator_reads_no_matters(live_server: Instance) -> None:
    board = Console(live_server, signed_in(live_server, "administrator")).come()
    assert board.hear() == "closed"
    assert board.closed == (4403, "authority.denied")


def test_signing_out_ends_the_feed(live_server: Instance) -> None:
    chief, other = signed_in(live_server, "duty-chief"), signed_in(live_server, "duty-chief")
    board, stays = Console(live_server, chief).come(), Console(live_server, other).come()
    board.hear()
    assert chief._ask("DELETE", "/api/session").status == 204
    board.until(lambda: board.closed is not None)
    assert board.closed == (4401, "session.expired")
    stays.until(lambda: stays.feed == "ok")


BAD_WORDS: tuple[tuple[str | bytes, int], ...] = (
    ("hello", 1003),
    ('{"type":"sudo"}', 1003),
    ('{"type":"view","view":null}', 1003),
    ('{"type":"hello","view":[1,2,3]}', 1003),
    ('{"type":"hello","view":[0,10,0,-10]}', 1003),
    ('{"type":"hello","cursor":"' + "1" * 5000 + '"}', 1009),
    ("🚓" * 1025, 1009),
    (b"\xff\x00", 1003),
)


def test_words_that_are_none_end_the_connection_with_a_reason(live_server: Instance) -> None:
    dispatcher = signed_in(live_server, "dispatcher")
    for words, code in BAD_WORDS:
        board = Console(live_server, dispatcher)
        board.socket = live(live_server, dispatcher)
        board.socket.send(words)
        assert board.hear() == "closed"
        assert board.closed is not None and board.closed[0] == code and board.closed[1], words


def test_hello_is_said_once(live_server: Instance) -> None:
    board = Console(live_server, signed_in(live_server, "dispatcher")).come()
    board.say({"type": "hello", "cursor": None, "view": None})
    board.until(lambda: board.closed is not None)
    assert board.closed == (1003, "hello was said already")


@contextmanager
def without_database(cluster: Postgres, name: str) -> Iterator[None]:
    """The database throws everybody out and lets nobody in."""
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_a_lost_database_is_said_and_the_feed_comes_back(
    live_server: Instance, cluster: Postgres, city_database: Database
) -> None:
    taker = signed_in(live_server, "call-taker")
    board = Console(live_server, signed_in(live_server, "dispatcher")).come()
    board.until(lambda: board.feed == "ok")
    with without_database(cluster, city_database.name):
        board.until(lambda: board.feed == "stalled")
    board.until(lambda: board.feed == "ok")
    matter = str(uuid4())
    taker.do("/api/incidents", call(matter))
    board.until(lambda: matter in board.incidents)
    assert board.said.count("snapshot") == 1


def test_a_long_transaction_is_said_and_holds_nothing_for_ever(
    live_server: Instance, city_database: Database
) -> None:
    taker = signed_in(live_server, "call-taker")
    board = Console(live_server, signed_in(live_server, "dispatcher")).come()
    board.until(lambda: board.feed == "ok")
    matter = str(uuid4())
    with psycopg.connect(city_database.owner_dsn) as long:
        long.execute("SELECT pg_current_xact_id()")
        taker.do("/api/incidents", call(matter))
        board.until(lambda: board.feed == "stalled")
        assert matter not in board.incidents
    board.until(lambda: matter in board.incidents)
    board.until(lambda: board.feed == "ok")


class Day:
    """A random day: calls, remarks, orders, cancellations, duty; and consoles coming and going."""

    def __init__(self, server: Instance, seed: int) -> None:
        self.dice = random.Random(seed)
        self.server = server
        names = ("call-taker", "dispatcher", "duty-chief", "station-room")
        self.people = {name: signed_in(server, name) for name in names}
        self.matters: list[str] = []
        self.consoles: list[Console] = []
        self.refused = 0

    def one_step(self) -> None:
        what = self.dice.choice(
            ["report", "report", "remark", "send", "cancel", "duty", "come", "part", "back", "hear"]
        )
        getattr(self, what)()

    def _try(self, person: Person, path: str, body: Any = None) -> None:
        said = person.try_to(path, body)
        assert said.status < 300 or 400 <= said.status < 500, (path, said)
        self.refused += said.status >= 400

    def report(self) -> None:
        matter = str(uuid4())
        spot = {"lon": self.dice.uniform(122.0, 122.4), "lat": 30.0, "label": "示例"}
        self._try(self.people["call-taker"], "/api/incidents", call(matter, place=spot))
        self.matters.append(matter)

    def _about(self, person: str, operation: str, body: Any = None) -> None:
        if self.matters:
            where = f"/api/incidents/{self.dice.choice(self.matters)}/{operation}"
            self._try(self.people[person], where, body)

    def remark(self) -> None:
        self._about("dispatcher", "remark", {"text": "示例"})

    def send(self) -> None:
        orders = [{"order": str(uuid4()), "unit": self._unit()}]
        self._about("dispatcher", "dispatch", {"orders": orders})

    def cancel(self) -> None:
        self._about("dispatcher", "request_cancel", {"kind": "invalid", "reason": "示例"})
        self._about("duty-chief", "confirm_cancel")

    def _unit(self) -> str:
        return self.dice.choice([UNIT, "pt-shenjiamen-02", "pt-shenjiamen-03"])

    def duty(self) -> None:
        unit = self._unit()
        row = next(one for one in self._units() if one["id"] == unit)
        chief = self.people["duty-chief"]
        if row["on_duty"]:
            self._try(chief, f"/api/units/{unit}/sign_off")
        else:
            crew = [self.people["duty-chief"].get("/api/session")["person"]["id"]]
            self._try(chief, f"/api/units/{unit}/sign_on", {"crew": crew})

    def _units(self) -> list[Any]:
        return list(self.people["duty-chief"].get("/api/units")["items"])

    def come(self) -> None:
        if len(self.consoles) < 8:
            person = self.people[self.dice.choice(["dispatcher", "duty-chief", "station-room"])]
            self.consoles.append(Console(self.server, person).come())

    def _some(self, *, here: bool) -> Console | None:
        found = [one for one in self.consoles if (one.socket is not None) is here]
        return self.dice.choice(found) if found else None

    def part(self) -> None:
        console = self._some(here=True)
        if console is not None:
            console.part()

    def back(self) -> None:
        console = self._some(here=False)
        if console is not None:
            console.come()

    def hear(self) -> None:
        console = self._some(here=True)
        if console is not None:
            console.hear()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_late_joiner_ends_with_what_a_fresh_load_shows(live_server: Instance, seed: int) -> None:
    day = Day(live_server, seed)
    for _ in range(120):
        day.one_step()
    while len(day.consoles) < 4:
        day.come()
    for console in day.consoles:
        if console.socket is None:
            console.come()
    for console in day.consoles:
        incidents, units = console.fresh()
        console.until(lambda c=console, i=incidents: c.incidents == i)  # type: ignore[misc]
        console.until(lambda c=console, u=units: c.units == u)  # type: ignore[misc]
    assert max(len(console.incidents) for console in day.consoles) > 3
    assert {"changes", "snapshot"} <= {kind for console in day.consoles for kind in console.said}
