"""A caller asks for what is wrong about him to be corrected (PIPL, article 46)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from muster.app import FACTS
from muster.journal import erasures
from muster.journal.entry import kinds_of
from muster.journal.vault import Vault
from muster.journal.verify import Wanted, verify
from tests.journal.test_private import holding
from tests.stories.test_retention import CALLER, PHONE, Office, office, old_city

__all__ = ["office", "old_city"]

RIGHT, NUMBER = "示例-长孙测验", "00088899999"
LAW = {"basis": "个人信息保护法第四十六条", "reason": "示例：本人来电更正"}


def keeping(office: Office, matter: str) -> str:
    return f"/api/retention/matters/{matter}"


def found_by(office: Office, phone: str) -> list[str]:
    """Matters that the vault finds under a phone."""

    settings = office.server.settings
    vault = Vault(Path(settings.data, "keys/master.key").read_bytes())
    with psycopg.connect(settings.app_dsn) as connection:
        rows = connection.execute(
            "SELECT matter::text FROM vault_lookup WHERE keyed = %s",
            (vault.lookup_hash("phone", phone),),
        ).fetchall()
    return [row[0] for row in rows]


def whole(office: Office) -> Any:
    """`journal verify --vault`, with the ledger beside the database."""

    settings = office.server.settings
    data = Path(settings.data)
    wanted = Wanted(
        vault=Vault((data / "keys/master.key").read_bytes()),
        kinds=kinds_of(FACTS),
        ledger=lambda: erasures.read(data / "erasures.jsonl"),
    )
    with psycopg.connect(settings.owner_dsn) as connection:
        return verify(connection, wanted).faults


def test_a_caller_is_corrected_and_the_wrong_words_are_gone(office: Office) -> None:
    matter = office.cancelled(level=3)
    assert found_by(office, PHONE) == [matter]
    correct = f"{keeping(office, matter)}/correct_caller"
    dispatcher = office.dispatcher.try_to(correct, {**LAW, "caller_name": RIGHT})
    assert (dispatcher.status, dispatcher.code) == (403, "authority.denied")
    for bad in ({"caller_name": CALLER}, {}):
        assert office.chief.try_to(correct, {**LAW, **bad}).code == "correction.same"
    office.chief.do(correct, {**LAW, "caller_name": RIGHT, "caller_phone": NUMBER})
    seen = office.chief.do(f"/api/incidents/{matter}/unmask", {})["caller"]
    assert (seen["name"], seen["phone"]) == (RIGHT, NUMBER)
    with psycopg.connect(office.server.settings.owner_dsn) as owner:
        assert holding(owner, CALLER) == holding(owner, PHONE) == holding(owner, RIGHT) == []
    assert (found_by(office, PHONE), found_by(office, NUMBER)) == ([], [matter])
    # What stays: that it was corrected, when, by whom, which fields, on which basis.
    (kept,) = office.chief.get(keeping(office, matter))["retention"]["corrections"]
    assert (kept["fields"], kept["basis"]) == (["caller_name", "caller_phone"], LAW["basis"])
    entries = office.chief.get(f"/api/incidents/{matter}/entries")["entries"]
    assert entries[0]["body"]["caller_name"] is entries[0]["body"]["caller_phone"] is None
    said = entries[-1]
    assert (said["kind"], said["number"]) == ("retention.caller_corrected", kept["number"])
    assert said["body"]["because"] == LAW["reason"]
    assert whole(office) == ()


def test_a_correction_is_undone_by_another(office: Office) -> None:
    matter = office.cancelled(level=3)
    correct = f"{keeping(office, matter)}/correct_caller"
    office.chief.do(correct, {**LAW, "caller_phone": NUMBER})
    office.second.do(correct, {**LAW, "caller_phone": PHONE})
    seen = office.chief.do(f"/api/incidents/{matter}/unmask", {})["caller"]
    assert (seen["name"], seen["phone"]) == (CALLER, PHONE)
    assert (found_by(office, PHONE), found_by(office, NUMBER)) == ([matter], [])
    office.chief.do(correct, {**LAW, "caller_name": "", "caller_phone": ""})
    seen = office.chief.do(f"/api/incidents/{matter}/unmask", {})["caller"]
    assert (seen["name"], seen["phone"]) == (None, None)
    assert found_by(office, PHONE) == []
    office.chief.do(correct, {**LAW, "caller_name": CALLER})
    assert len(office.chief.get(keeping(office, matter))["retention"]["corrections"]) == 4
    assert whole(office) == ()


def test_what_is_restricted_is_corrected_and_found_only_afterwards(office: Office) -> None:
    matter = office.cancelled(level=3)
    where = keeping(office, matter)
    office.chief.do(f"{where}/restrict", LAW)
    office.chief.do(f"{where}/correct_caller", {**LAW, "caller_phone": NUMBER})
    assert found_by(office, PHONE) == found_by(office, NUMBER) == []
    masked = office.auditor.get(f"/api/incidents/{matter}/entries")["entries"][-1]["body"]
    assert NUMBER not in str(masked) and masked["unlisted_phone"].startswith("000***")
    office.chief.do(f"{where}/lift_restriction", {"reason": "示例"})
    assert found_by(office, NUMBER) == [matter]
    assert whole(office) == ()


def test_what_is_held_sealed_or_erased_is_not_corrected(office: Office) -> None:
    held, sealed, erased = (office.cancelled(level=3) for _ in range(3))
    body = {**LAW, "caller_name": RIGHT}
    hold = {"hold": str(uuid4()), **LAW}
    office.chief.do(f"{keeping(office, held)}/place_hold", hold)
    office.chief.do(f"{keeping(office, sealed)}/seal", LAW)
    office.erase(erased, "caller")
    answers = [
        office.chief.try_to(f"{keeping(office, one)}/correct_caller", body).code
        for one in (held, sealed, erased)
    ]
    assert answers == ["retention.held", "sealing.sealed", "retention.nothing_there"]


def test_what_was_corrected_can_be_erased_and_certified(office: Office) -> None:
    matter = office.cancelled(level=3)
    office.chief.do(f"{keeping(office, matter)}/correct_caller", {**LAW, "caller_name": RIGHT})
    office.erase(matter, "caller")
    assert office.chief.get(f"/api/incidents/{matter}")["caller"]["name"] is None
    held = office.chief.get(f"/api/retention/certificates/{matter}")
    (gone,) = held["erasures"]
    assert gone["counts"] == {"caller": 2} and gone["ledger"]
    assert whole(office) == ()
