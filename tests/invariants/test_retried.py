"""A retried command opens and does nothing twice: at once, later, and over a kill -9."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from tests.instance import Instance
from tests.journal.diary import together
from tests.stories.desk import Person, call, on_duty, signed_in

UNIT = "pt-shenjiamen-01"


def count(server: Instance, statement: str, *values: Any) -> int:
    with psycopg.connect(server.settings.app_dsn) as connection:
        row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def same_person(server: Instance, person: Person) -> Person:
    """Another connection of the same session: the phone that sends again."""
    return Person(server.url, person.username, headers=dict(person.headers))


def test_eight_at_once_are_one(live_server: Instance) -> None:
    taker, dispatcher = signed_in(live_server, "call-taker"), signed_in(live_server, "dispatcher")
    on_duty(live_server, UNIT)
    report = call(str(uuid4()))
    where = f"/api/incidents/{report['id']}"
    order = {"orders": [{"order": str(uuid4()), "unit": UNIT}]}
    for person, path, body in (
        (taker, "/api/incidents", report),
        (dispatcher, f"{where}/dispatch", order),
        (dispatcher, f"{where}/remark", {"text": "示例"}),
    ):
        command = str(uuid4())
        phones = [same_person(live_server, person) for _ in range(8)]
        said = together(8, lambda n: phones[n].do(path, body, command=command))  # noqa: B023
        assert all(one == said[0] for one in said), said
        assert count(live_server, "SELECT count(*) FROM entry WHERE command = %s", command) == 1
    assert count(live_server, "SELECT count(*) FROM incident") == 1
    assert count(live_server, "SELECT count(*) FROM unit_order") == 1


def test_over_a_kill_the_first_answer_comes_again(live_server: Instance) -> None:
    taker = signed_in(live_server, "call-taker")
    report, command = call(str(uuid4())), str(uuid4())
    first = taker.do("/api/incidents", report, command=command)
    remark, remarked = {"text": "示例"}, str(uuid4())
    where = f"/api/incidents/{report['id']}"
    second = taker.do(f"{where}/remark", remark, command=remarked)
    live_server.kill()
    live_server.start()
    assert taker.do("/api/incidents", report, command=command) == first
    assert taker.do(f"{where}/remark", remark, command=remarked) == second
    other = taker.try_to(f"{where}/remark", {"text": "示例：别的"}, command=remarked)
    assert (other.status, other.code) == (409, "command.reused")
    assert count(live_server, "SELECT count(*) FROM entry") == 2


def test_a_retry_after_the_session_ended_is_not_answered(live_server: Instance) -> None:
    """Session and authority are asked again, also for what was answered before."""
    taker = signed_in(live_server, "call-taker")
    report, command = call(str(uuid4())), str(uuid4())
    taker.do("/api/incidents", report, command=command)
    with psycopg.connect(live_server.settings.owner_dsn) as owner:
        owner.execute(
            "UPDATE role_grant SET revoked_at = %s WHERE person = 'demo-call-taker'",
            (datetime.now(UTC),),
        )
    again = taker.try_to("/api/incidents", report, command=command)
    assert again.code in ("authority.denied", "matter.unknown")
    with psycopg.connect(live_server.settings.owner_dsn) as owner:
        owner.execute("DELETE FROM session")
    assert taker.try_to("/api/incidents", report, command=command).code == "session.required"
