"""The connection a phone keeps open for its positions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from muster.api.telemetry_live import LARGEST_WORD, MOST_FIXES, WINDOW
from tests.instance import Instance
from tests.stories.desk import Person, on_duty, signed_in

UNIT = "pt-shenjiamen-01"


class Phone:
    """Keeps every batch until it is told that it is kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.held: dict[int, list[dict[str, Any]]] = {}
        self.number = 0

    def hear(self) -> Any:
        message = json.loads(self.socket.recv(30))
        if message["type"] == "kept":
            self.held = {n: one for n, one in self.held.items() if n > message["number"]}
        return message

    def send(self, *fixes: dict[str, Any], **more: Any) -> int:
        self.number += 1
        self.held[self.number] = list(fixes)
        body = {"type": "fixes", "number": self.number, "fixes": fixes, **more}
        self.socket.send(json.dumps(body))
        return self.number

    def until_kept(self, number: int) -> list[Any]:
        """What was said until then."""
        said = []
        while not said or said[-1]["type"] != "kept" or said[-1]["number"] < number:
            said.append(self.hear())
        return said

    def closed(self) -> tuple[int, str]:
        """The code and reason with which the server closes."""
        try:
            while True:
                self.socket.recv(30)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason


@contextmanager
def phone(server: Instance, person: Person | None, **headers: str) -> Iterator[Phone]:
    cookie = {"Cookie": person.headers["Cookie"]} if person is not None else {}
    url = server.url.replace("http", "ws", 1) + "/api/positions/live"
    more: dict[str, Any] = {"compression": None, "ping_interval": None}
    with connect(url, additional_headers={**cookie, **headers}, **more) as socket:
        yield Phone(socket)


_serial = count()


def fix(**more: Any) -> dict[str, Any]:
    """Never two of one moment."""
    at = datetime.now(UTC) + timedelta(milliseconds=next(_serial))
    return {"lon": 122.3, "lat": 29.95, "at": at.isoformat(), **more}


def written(server: Instance) -> int:
    with psycopg.connect(server.settings.owner_dsn) as owner:
        found = owner.execute("SELECT count(*) FROM position").fetchone()
    assert found is not None
    return int(found[0])


def test_a_batch_is_taken_and_then_kept(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        welcome = mine.hear()
        assert (welcome["type"], welcome["units"]) == ("welcome", [UNIT])
        number = mine.send(fix(), fix(), fix(lat=99), "示例", unit=UNIT)  # type: ignore[arg-type]
        taken, *_ = mine.until_kept(number)
        assert taken["type"] == "taken" and taken["accepted"] == 2
        assert [one["code"] for one in taken["rejected"]] == [
            "position.outside_world",
            "position.malformed",
        ]
        assert mine.held == {}
        assert written(live_server) == 2  # kept is said when it is written, not before


def test_after_a_break_what_was_not_kept_is_sent_again(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        for _ in range(5):
            mine.send(fix(), unit=UNIT)
        assert mine.hear()["type"] == "taken"
        held = [one for batch in mine.held.values() for one in batch]
    assert len(held) == 5
    with phone(live_server, officer) as mine:
        mine.hear()
        taken = mine.until_kept(mine.send(*held, fix(unit=UNIT), unit=UNIT))[0]
    assert taken["accepted"] + taken["duplicates"] == 6 and taken["duplicates"] >= 1
    assert written(live_server) == 6


def test_when_the_duty_ends_nothing_more_is_taken(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        mine.until_kept(mine.send(fix(), unit=UNIT))
        officer.do(f"/api/units/{UNIT}/sign_off")
        mine.send(fix(), unit=UNIT)
        assert mine.closed() == (4403, "position.off_duty")
    assert written(live_server) == 1
    with phone(live_server, officer) as mine:
        assert mine.closed() == (4403, "position.off_duty")


def test_when_the_session_ends_the_connection_does(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        officer._ask("DELETE", "/api/session")
        assert mine.closed()[0] == 4401


def test_more_batches_than_the_window_are_read_as_they_are_kept(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        for _ in range(3 * WINDOW):
            mine.send(fix(), unit=UNIT)
        said = mine.until_kept(3 * WINDOW)
    numbers = [one["number"] for one in said if one["type"] == "taken"]
    assert numbers == list(range(1, 3 * WINDOW + 1))
    first_kept = next(n for n, one in enumerate(said) if one["type"] == "kept")
    assert first_kept <= WINDOW  # no more than so many were taken before the first was kept
    assert written(live_server) == 3 * WINDOW


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("{", 1003),
        ('{"type":"hello"}', 1003),
        ('{"type":"fixes","number":0,"fixes":[]}', 1003),
        ('{"type":"fixes","number":1}', 1003),
        ('{"type":"fixes","number":1,"fixes":[' + ",".join(["{}"] * (MOST_FIXES + 1)) + "]}", 1003),
        ("[" * 50_000, 1003),
        ('"' + "x" * LARGEST_WORD + '"', 1009),
    ],
)
def test_what_cannot_be_understood_ends_it(live_server: Instance, words: str, code: int) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        mine.socket.send(words)
        assert mine.closed()[0] == code


def test_numbers_grow(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    with phone(live_server, officer) as mine:
        mine.hear()
        mine.send(fix(), unit=UNIT)
        mine.number = 0
        mine.send(fix(), unit=UNIT)
        assert mine.closed()[0] == 1003


def test_who_crews_no_unit_on_duty_gets_no_connection(live_server: Instance) -> None:
    with phone(live_server, signed_in(live_server, "dispatcher")) as mine:
        assert mine.closed() == (4403, "authority.denied")
    with pytest.raises(InvalidStatus), phone(live_server, None):
        pass
    officer = on_duty(live_server, UNIT)
    with pytest.raises(InvalidStatus), phone(live_server, officer, Origin="http://example.org"):
        pass
