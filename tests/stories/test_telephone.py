"""From ringing to matter: a telephone system beside the desk, told through the doors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from tests.instance import PASSWORD, Instance
from tests.stories.desk import Person, call, signed_in

NUMBER = "19900000417"  # 示例 / invented
EXTENSION = "8003"


class Exchange:
    """A telephone system with its token, its clock `behind` ours."""

    def __init__(self, server: Instance, behind: timedelta = timedelta(0), of: str = "zs") -> None:
        ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        body = {"name": "示例话务", "organisation": of, "expires_at": ends}
        made = signed_in(server, "administrator").do(
            "/api/tokens", {**body, "scopes": ["telephone:notify"]}
        )
        self.machine = Person(server.url, "")
        self.machine.headers["Authorization"] = f"Bearer {made['value']}"
        self.behind, self.call = behind, f"示例-{uuid4()}"
        self.now = datetime.now(UTC)

    def says(self, kind: str, sequence: int, s: float = 0, **more: Any) -> str:
        """It happened `s` seconds before this exchange was made, however slow this machine is."""
        at = self.now - timedelta(seconds=s) - self.behind
        sent = datetime.now(UTC) - self.behind
        body = {"call": self.call, "sequence": sequence, "kind": kind, "at": at, "sent_at": sent}
        return str(self.machine.do("/api/telephone/notices", {**body, **more})["state"])


def at_desk(server: Instance, username: str = "call-taker", extension: str = EXTENSION) -> Person:
    person = signed_in(server, username)
    person.do("/api/telephone/desk", {"extension": extension, "organisation": "zs"})
    return person


def test_from_ringing_to_matter(live_server: Instance) -> None:
    taker = at_desk(live_server)
    exchange = Exchange(live_server, behind=timedelta(hours=3))
    assert exchange.says("ringing", 1, 8, number=NUMBER, extension=EXTENSION) == "ringing"
    (ringing,) = taker.get("/api/telephone")["calls"]
    assert ringing["number"] == "199******17" and ringing["state"] == "ringing"

    assert exchange.says("answered", 2, 2) == "answered"
    taken = taker.do(f"/api/telephone/calls/{ringing['id']}/take")
    assert taken["number"] == NUMBER
    rang, answered = (datetime.fromisoformat(taken[one]) for one in ("ringing_at", "answered_at"))
    assert abs(datetime.now(UTC) - answered) < timedelta(minutes=2), (
        "on our clock, not three hours ago"
    )
    assert answered - rang == timedelta(seconds=6)

    matter = str(uuid4())
    report = call(matter, caller_phone=NUMBER, reported_at=rang, answered_at=answered)
    taker.do("/api/incidents", report)
    taker.do(f"/api/telephone/calls/{ringing['id']}/join", {"matter": matter})
    assert exchange.says("ended", 3) == "ended"
    seen = taker.get("/api/telephone")
    assert seen["calls"] == [] and seen["call_back"] == []
    counts = seen["waiting"]["counts"]
    assert (counts["answered"], counts["within_15"], counts["abandoned"]) == (1, 1, 0)
    assert seen["waiting"]["definition"] == "telephone.waiting.1"

    # Told again, late and in any order: nothing changes, and the number does not come back.
    assert exchange.says("ringing", 1, 8, number=NUMBER, extension=EXTENSION) == "ended"
    with psycopg.connect(live_server.settings.owner_dsn) as connection:
        kept = connection.execute("SELECT number_secret, matter::text FROM telephone_call")
        assert kept.fetchall() == [(None, matter)]
        everything = connection.execute("SELECT string_agg(t::text, '') FROM telephone_call t")
        audit = connection.execute("SELECT string_agg(convert_from(body, 'UTF8'), '') FROM audit")
        for found in (everything.fetchone(), audit.fetchone()):
            assert found is not None and NUMBER not in (found[0] or "")
    looks = signed_in(live_server, "auditor").get("/api/access")["items"]
    assert any(one["what"] == "lookup.phone" for one in looks)


def test_only_the_desk_whose_telephone_rings(live_server: Instance) -> None:
    exchange = Exchange(live_server)
    exchange.says("ringing", 1, number=NUMBER, extension=EXTENSION)
    mine, other = at_desk(live_server), at_desk(live_server, "dispatcher", "8004")
    (ringing,) = mine.get("/api/telephone")["calls"]
    where = f"/api/telephone/calls/{ringing['id']}/take"
    assert other.get("/api/telephone")["calls"] == []
    assert other.try_to(where).code == "call.unknown"
    exchange.says("answered", 2, extension=EXTENSION)
    exchange.says("transferred", 3, extension="8004")
    assert mine.get("/api/telephone")["calls"] == []
    assert other.do(where)["number"] == NUMBER
    for role in ("officer", "analyst", "partner", "volunteer", "auditor", "administrator"):
        stranger = signed_in(live_server, role)
        assert stranger.ask("/api/telephone").code == "authority.denied"
        assert stranger.try_to(where).code == "authority.denied"


def test_the_desk_is_free_after_signing_out_and_handing_over(live_server: Instance) -> None:
    exchange = Exchange(live_server)
    taker = at_desk(live_server)
    exchange.says("ringing", 1, number=NUMBER, extension=EXTENSION)
    assert taker.get("/api/telephone")["extension"] == EXTENSION
    body = {"username": "dispatcher", "password": PASSWORD}
    said = taker.do("/api/session/hand-over", body)
    taker.headers["X-CSRF-Token"] = said["session"]["csrf"]
    seen = taker.get("/api/telephone")
    assert seen["extension"] is None and seen["calls"] == []
    again = at_desk(live_server)
    assert len(again.get("/api/telephone")["calls"]) == 1
    at_desk(live_server, "duty-chief")  # somebody else sits down at the same telephone
    assert again.get("/api/telephone")["extension"] is None


def test_who_hung_up_is_called_back(live_server: Instance) -> None:
    taker, chief = at_desk(live_server), at_desk(live_server, "duty-chief", "8009")
    calls = [Exchange(live_server) for _ in range(4)]
    for number, exchange in enumerate(calls):
        said = {"number": f"1990000010{number}"} if number else {}  # the first one is withheld
        exchange.says("ringing", 1, 40, **said)
        assert exchange.says("abandoned", 2, 20) == "abandoned"
    later = Exchange(live_server)  # the last one rang again and was answered
    later.says("ringing", 1, 10, number="19900000103")
    later.says("answered", 2, 0)
    back = taker.get("/api/telephone")["call_back"]
    assert [one["number"] for one in back] == ["199******01", "199******02"]
    assert all(one["due"] > one["ended_at"] for one in back)
    first, second = (f"/api/telephone/calls/{one['id']}" for one in back)
    assert taker.do(f"{first}/take")["number"] == "19900000101"
    taker.do(f"{first}/called_back", {"outcome": "done"})
    assert chief.try_to(f"{first}/called_back", {"outcome": "done"}).code == "call.called_back"
    silent = {"outcome": "unreachable"}
    assert taker.try_to(f"{second}/called_back", silent).code == "reason.needed"
    taker.do(f"{second}/called_back", {**silent, "reason": "示例：关机"})
    assert taker.get("/api/telephone")["call_back"] == []
    assert taker.get("/api/telephone")["waiting"]["counts"]["abandoned"] == 4


def test_absurd_moments_and_other_peoples_matters_are_refused(live_server: Instance) -> None:
    exchange, taker = Exchange(live_server), at_desk(live_server)
    now = datetime.now(UTC)
    body = {"call": "示例", "sequence": 1, "kind": "ringing"}
    for at in (now - timedelta(days=2), now + timedelta(minutes=5)):
        said = exchange.machine.try_to("/api/telephone/notices", {**body, "at": at})
        assert (said.status, said.code) == (400, "time.impossible")
    exchange.says("ringing", 1, number=NUMBER)
    (ringing,) = taker.get("/api/telephone")["calls"]
    where = f"/api/telephone/calls/{ringing['id']}/join"
    assert taker.try_to(where, {"matter": str(uuid4())}).code == "matter.unknown"
    assert taker.try_to("/api/telephone/notices", {**body, "at": now}).code == "authority.denied"
