"""The client at the doors: the same command until it is answered, never two."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from muster.simulate.doors import FAULT_TRIES, DoorBroken, DoorRefused, Doors, DoorShut, rfc3339
from muster.simulate.ledger import Ledger
from muster.simulate.shapes import Account, Body, Incident, Units

from .conftest import FakeInstance

WHO = Account("call-taker", "invented")


@pytest.fixture
def doors(fake: FakeInstance) -> Doors:
    return Doors(fake.url, patience_s=5.0, ledger=Ledger())


def report() -> Body:
    at = rfc3339(datetime(2017, 2, 23, 10, tzinfo=UTC))
    return {
        "id": str(uuid4()),
        "level": 3,
        "category": "fire-alarm",
        "reported_at": at,
        "place": {"lon": -0.1, "lat": 51.5, "label": ""},
    }


def test_a_broken_connection_repeats_the_same_command(fake: FakeInstance, doors: Doors) -> None:
    doors.read(WHO, "/api/units", Units)
    fake.city.trouble.break_connection = 2
    body = report()
    answer = doors.command(WHO, "/api/incidents", body, command=uuid4())
    assert str(answer.matter) == body["id"]
    assert len(fake.city.matters) == 1 and len(fake.city.answers) == 1
    assert fake.city.requests.count("POST /api/incidents") == 3
    assert doors.ledger is not None and len(doors.ledger) == 1


def test_server_faults_are_tried_again_and_then_told(fake: FakeInstance, doors: Doors) -> None:
    doors.read(WHO, "/api/units", Units)
    fake.city.trouble.fail = FAULT_TRIES - 1
    doors.command(WHO, "/api/incidents", report(), command=uuid4())
    fake.city.trouble.fail = FAULT_TRIES
    with pytest.raises(DoorBroken, match="500"):
        doors.command(WHO, "/api/incidents", report(), command=uuid4())
    assert doors.ledger is not None and len(doors.ledger) == 1


def test_a_lost_session_is_made_again(fake: FakeInstance, doors: Doors) -> None:
    doors.read(WHO, "/api/units", Units)
    fake.city.trouble.forget_sessions = 1
    doors.command(WHO, "/api/incidents", report(), command=uuid4())
    assert fake.city.requests.count("POST /api/session") == 2


def test_a_refusal_is_told_and_not_acknowledged(fake: FakeInstance, doors: Doors) -> None:
    with pytest.raises(DoorRefused) as caught:
        doors.read(WHO, f"/api/incidents/{uuid4()}", Incident)
    assert (caught.value.status, caught.value.code) == (404, "matter.unknown")
    assert caught.value.sentence == "不行 / no"
    body = report()
    doors.command(WHO, "/api/incidents", body, command=uuid4())
    with pytest.raises(DoorRefused, match=r"matter\.exists"):
        doors.command(WHO, "/api/incidents", body, command=uuid4())
    assert doors.ledger is not None and len(doors.ledger) == 1


def test_nobody_there_ends_after_patience_or_at_once_when_stopped() -> None:
    with pytest.raises(DoorShut):
        Doors("http://127.0.0.1:1", patience_s=0.2).read(WHO, "/api/units", Units)
    stop = threading.Event()
    stop.set()
    with pytest.raises(DoorShut, match="stopped"):
        Doors("http://127.0.0.1:1", patience_s=None, stop=stop).read(WHO, "/api/units", Units)


def test_every_request_of_a_driven_instance_says_its_moment(
    fake: FakeInstance, doors: Doors
) -> None:
    doors.simulated_now = datetime(2017, 2, 23, 11, 12, 13, tzinfo=UTC)
    doors.read(WHO, "/api/units", Units)
    assert fake.city.now() == doors.simulated_now
