"""A call's words grow old: held, reviewed by two people, erased in part and whole, certified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from muster import app
from muster.command.retention.certificate import Certificate, check
from muster.command.retention.witness import known
from muster.journal.checkpoint import Checkpoints
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.erasing import left_of
from muster.journal.regular_checkpoints import checkpoint_folder
from muster.journal.signing import KeyFolder, signing_folder
from tests.api.staff import hire
from tests.instance import Database, Instance, free_port, settings_for
from tests.journal.test_private import holding
from tests.stories.desk import Person, call, signed_in

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CALLER, PHONE, WORDS = "示例-长孙测试", "00088812345", "示例：渔船漏油，穿黄色雨衣"
PLACE = {"lon": 122.301, "lat": 29.947, "label": "示例-沈家门渔港九号泊位"}
LAW = {"basis": "个人信息保护法第四十七条", "reason": "示例：已到期"}


@pytest.fixture
def old_city(city_database: Database, tmp_path: Path) -> Iterator[Instance]:
    """A server on a driven clock: years pass when told."""
    settings = settings_for(
        city_database, tmp_path / "data", port=free_port(), clock="driven", clock_start=START
    )
    instance = Instance(settings, tmp_path / "server.log")
    instance.start()
    yield instance
    instance.stop()


class Office:
    """The people of the story."""

    def __init__(self, server: Instance) -> None:
        self.server = server
        self.chief, self.second = (hire(server, ("duty_chief", "zs"))[1] for _ in range(2))
        self.auditor = hire(server, ("auditor", "zs"))[1]
        self.dispatcher = signed_in(server, "dispatcher")
        self.simulator = hire(server, ("simulator", "zs"))[1]
        self.now = START

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)
        self.simulator.do("/api/simulation/clock", {"now": self.now})

    def cancelled(self, **changes: Any) -> str:
        """A matter that is over."""
        matter = str(uuid4())
        times = {
            "reported_at": self.now - timedelta(seconds=60),
            "answered_at": self.now - timedelta(seconds=50),
            "call_ended_at": self.now - timedelta(seconds=5),
        }
        people = {"caller_name": CALLER, "caller_phone": PHONE, "narrative": WORDS, "place": PLACE}
        self.chief.do("/api/incidents", call(matter, **{**times, **people, **changes}))
        where = f"/api/incidents/{matter}"
        self.second.do(f"{where}/request_cancel", {"kind": "invalid", "reason": "示例"})
        self.chief.do(f"{where}/confirm_cancel")
        return matter

    def erase(self, matter: str, *classes: str) -> None:
        where = f"/api/retention/matters/{matter}"
        self.dispatcher.do(f"{where}/propose_erasure", {"classes": classes, **LAW})
        proposal = self.chief.get(where)["retention"]["proposal"]["number"]
        self.chief.do(f"{where}/approve_erasure", {"proposal": proposal})

    def statuses(self, matter: str, who: Person | None = None) -> dict[str, str]:
        page = (who or self.chief).get(
            "/api/retention/due?status=running&status=review"
            "&status=held&status=proposed&status=permanent"
        )
        return {row["of"]: row["status"] for row in page["items"] if row["matter"] == matter}

    def left(self, matter: str) -> Any:
        with psycopg.connect(self.server.settings.app_dsn) as connection:
            return left_of(connection, matter)


@pytest.fixture
def office(old_city: Instance) -> Office:
    return Office(old_city)


def test_a_caller_is_forgotten_after_review_by_two(office: Office) -> None:
    matter = office.cancelled(level=3)
    assert office.statuses(matter) == dict.fromkeys(("caller", "narrative", "place"), "running")
    office.pass_days(364)
    assert office.statuses(matter)["caller"] == "running"
    office.pass_days(2)
    assert office.statuses(matter) == {
        "caller": "review",
        "narrative": "running",
        "place": "running",
    }
    where = f"/api/retention/matters/{matter}"
    office.chief.do(f"{where}/propose_erasure", {"classes": ["caller"], **LAW})
    number = office.chief.get(where)["retention"]["proposal"]["number"]
    agreed = {"proposal": number}
    assert office.chief.try_to(f"{where}/approve_erasure", agreed).code == "erasure.same_person"
    stale = {"proposal": number - 1}
    assert office.second.try_to(f"{where}/approve_erasure", stale).code == "erasure.none"
    office.second.do(f"{where}/approve_erasure", agreed)
    with psycopg.connect(office.server.settings.owner_dsn) as owner:
        assert holding(owner, CALLER) == holding(owner, PHONE) == []
    seen = office.chief.get(f"/api/incidents/{matter}")
    assert seen["caller"]["name"] is None and seen["narrative"]
    assert office.statuses(matter) == {"narrative": "running", "place": "running"}
    gone = office.chief.get("/api/retention/gone")["items"]
    assert [(row["of"], row["items"], row["whole"]) for row in gone] == [("caller", 2, False)]
    said = office.chief.try_to(f"/api/incidents/{matter}/remark", {"text": "示例"})
    assert said.code == "matter.erased"


def test_a_hold_beats_everything(office: Office) -> None:
    matter, hold = office.cancelled(level=3), str(uuid4())
    where = f"/api/retention/matters/{matter}"
    wanted = {"classes": ["caller", "narrative", "place"], **LAW}
    office.dispatcher.do(f"{where}/propose_erasure", wanted)
    number = office.chief.get(where)["retention"]["proposal"]["number"]
    office.auditor.do(f"{where}/place_hold", {"hold": hold, **LAW})
    agreed = office.chief.try_to(f"{where}/approve_erasure", {"proposal": number})
    assert agreed.code == "retention.held"
    office.pass_days(4000)
    assert set(office.statuses(matter).values()) == {"held"}
    lift = {"hold": hold, "reason": "示例"}
    assert office.auditor.try_to(f"{where}/lift_hold", lift).code == "hold.same_person"
    assert office.chief.try_to(f"{where}/lift_hold", lift).code == "hold.of_auditor"
    hire(office.server, ("auditor", "zs"))[1].do(f"{where}/lift_hold", lift)
    office.pass_days(0.01)
    assert set(office.statuses(matter).values()) == {"review"}
    assert office.chief.try_to(f"{where}/approve_erasure", {"proposal": number}).code == (
        "erasure.none"
    )


def test_a_whole_erasure_is_certified(office: Office) -> None:
    matter = office.cancelled(level=3)
    office.erase(matter, "caller")
    office.erase(matter, "narrative", "place")
    left = office.left(matter)
    assert (left.keys, left.lookups, left.items) == (0, 0, ())
    body = office.auditor.get(f"/api/retention/certificates/{matter}")
    held = msgspec.convert(body, Certificate)
    assert [one.whole for one in held.erasures] == [False, True]
    assert all(one.approved_by and one.approved_by != one.requested_by for one in held.erasures)
    assert checked(office, held) == []
    for words in (CALLER, PHONE, WORDS, "九号泊位"):
        assert words not in str(body)
        with psycopg.connect(office.server.settings.owner_dsn) as owner:
            assert holding(owner, words) == []
    page = office.auditor.get(f"/api/retention/certificates/{matter}/page")["text"]
    assert "擦除证明" in page and CALLER not in page


def checked(office: Office, held: Certificate, spoilt: int = 0) -> list[str]:
    """`spoilt`: an entry that is otherwise than it was."""
    with psycopg.connect(office.server.settings.app_dsn) as connection:
        rows = connection.execute(
            "SELECT number, bytes, hash FROM entry WHERE matter = %s::uuid", (held.matter,)
        ).fetchall()
        own = known(connection, held.checkpoint.number) if held.checkpoint else None
    entries = {n: (bytes(b), bytes(h)) for n, b, h in rows}
    entries |= {n: (entries[n][0] + b" ", entries[n][1]) for n in entries if n == spoilt}
    return check(held, entries, office.left(held.matter), own)


def checkpoint_taken(office: Office) -> None:
    """With the keys of the instance, into its own folder."""
    settings = office.server.settings
    keys, folder = KeyFolder(signing_folder(Path(settings.data))), checkpoints_of(office)
    with psycopg.connect(settings.app_dsn) as connection:
        Checkpoints(keys).take(connection, folder, office.now)


def checkpoints_of(office: Office) -> CheckpointFolder:
    return checkpoint_folder(Path(office.server.settings.data), None)


def certified(office: Office, matter: str) -> Certificate:
    body = office.auditor.get(f"/api/retention/certificates/{matter}")
    return msgspec.convert(body, Certificate)


def test_a_checkpoint_vouches_for_an_erasure(office: Office) -> None:
    matter, _ = office.cancelled(level=3), office.cancelled(level=3)
    checkpoint_taken(office)
    office.erase(matter, "caller")
    office.dispatcher.do(
        f"/api/retention/matters/{matter}/propose_erasure", {"classes": ["narrative"], **LAW}
    )
    assert certified(office, matter).checkpoint is None, "older than the erasure"
    checkpoint_taken(office)
    held = certified(office, matter)
    found = held.checkpoint
    assert found is not None and found.number == 2 and found.entry == held.head[0]
    assert found.entry > held.erasures[-1].entry and checked(office, held) == []
    page = office.auditor.get(f"/api/retention/certificates/{matter}/page")["text"]
    assert found.signature in page
    replace = msgspec.structs.replace
    assert any("does not lead" in line for line in checked(office, held, found.entry))
    forged = {
        "under": [
            replace(found, index=1 - found.index),
            replace(found, path=()),
            replace(found, entry=held.erasures[-1].entry),
        ],
        "signature": [replace(found, signature="00" * 64)],
        "certified": [replace(found, taken_at="2020-01-01T00:00:00.000000Z")],
        "older": [replace(found, entry=1)],
        "read": [replace(found, bytes="{}")],
    }
    for word, ones in forged.items():
        for one in ones:
            wrong = checked(office, replace(held, checkpoint=one))
            assert any(word in line for line in wrong), (word, wrong)
    checkpoints_of(office).path.joinpath("heads-00000002.gz").write_bytes(b"")
    assert certified(office, matter).checkpoint is None


def test_a_forged_certificate_is_found(office: Office) -> None:
    matter = office.cancelled(level=3)
    office.erase(matter, "caller", "narrative", "place")
    body = office.auditor.get(f"/api/retention/certificates/{matter}")
    held = msgspec.convert(body, Certificate)
    replace = msgspec.structs.replace
    gone, step = held.erasures[0], held.steps[-1]
    forgeries = [
        replace(held, erasures=[replace(gone, approved_by="p001")]),
        replace(held, erasures=[replace(gone, items=gone.items[1:])]),
        replace(held, erasures=[replace(gone, entry=1)]),
        replace(held, erasures=[replace(gone, ledger=None)]),
        replace(held, head=(held.head[0], "0" * 64)),
        replace(held, steps=[*held.steps[:-1], replace(step, bytes=step.bytes.replace("1", "2"))]),
    ]
    for forged in forgeries:
        assert checked(office, forged), forged
    assert office.auditor.ask(f"/api/retention/certificates/{uuid4()}").code == "matter.unknown"
    other = office.cancelled()
    said = office.auditor.ask(f"/api/retention/certificates/{other}")
    assert said.code == "retention.nothing_gone"


def test_sealed_is_gone_for_all_but_those_with_the_right(office: Office) -> None:
    matter = office.cancelled(level=3)
    where = f"/api/retention/matters/{matter}"
    office.chief.do(f"{where}/seal", LAW)
    for who in (office.chief, office.second, office.dispatcher):
        assert who.ask(f"/api/incidents/{matter}").code == "matter.unknown"
        assert matter not in str(who.get("/api/incidents?scope=all"))
    assert office.auditor.do(f"/api/incidents/{matter}/unmask")["caller"]["name"] == CALLER
    assert office.left(matter).lookups == 0
    assert [row["matter"] for row in office.chief.get("/api/retention/sealings")["items"]] == [
        matter
    ]
    assert CALLER not in str(office.chief.get(where))
    office.chief.do(f"{where}/ask_unsealing", {**LAW, "hours": 4})
    assert office.chief.try_to(f"{where}/approve_unsealing").code == "sealing.same_person"
    office.second.do(f"{where}/approve_unsealing")
    assert office.chief.do(f"/api/incidents/{matter}/unmask")["caller"]["name"] == CALLER
    assert office.left(matter).lookups == 1
    assert office.dispatcher.ask(f"/api/incidents/{matter}").code == "matter.unknown"
    office.pass_days(0.2)
    assert office.chief.ask(f"/api/incidents/{matter}").code == "matter.unknown"
    assert office.left(matter).lookups == 0
    office.chief.do(f"{where}/ask_unsealing", LAW)
    office.auditor.do(f"{where}/approve_unsealing")
    assert office.dispatcher.get(f"/api/incidents/{matter}")["row"]["id"] == matter
    assert office.left(matter).lookups == 1


def test_the_city_is_the_one_of_the_pack(office: Office) -> None:
    """The doors say what the pack says."""
    table = office.auditor.get("/api/retention/classes")
    assert [one["code"] for one in table["items"]][:3] == ["caller", "narrative", "place"]
    assert office.dispatcher.ask("/api/retention/due").code == "authority.denied"
    assert app.FACTS
