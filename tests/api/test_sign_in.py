"""At a real server: hand-over at a shared desk, what is recorded of refusals, policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from muster.identity.sign_in.attempts import username_hash
from tests.api.fuzzing import Fuzzed
from tests.api.staff import hire
from tests.instance import PASSWORD, Database
from tests.stories.desk import Person, Said

STATION = "pt-shenjiamen"
NOTE = "示例：渔港一件等海事回话"


def names(target: Fuzzed, role: str = "dispatcher", where: str = STATION) -> tuple[str, Person]:
    return hire(target.server, (role, where))


def rows(target: Fuzzed, what: str, **more: Any) -> list[dict[str, Any]]:
    """Denials as the auditor reads them."""
    asked = "&".join(f"{name}={value}" for name, value in {"what": what, **more}.items())
    items: list[dict[str, Any]] = target.people["auditor"].get(f"/api/denials?{asked}")["items"]
    return items


# --- hand-over ---------------------------------------------------------------------------------


def take_over(at: Person, username: str, **more: Any) -> Said:
    body = {"username": username, "password": PASSWORD, **more}
    return at.try_to("/api/session/hand-over", body)


def test_the_next_person_takes_over(target: Fuzzed) -> None:
    leaving, desk = names(target)
    coming, other = names(target)
    before, csrf = desk.headers["Cookie"], desk.headers["X-CSRF-Token"]
    target.seeds.make("waiting")
    said = take_over(desk, other.username, desk="示例 3 号台", note=NOTE)
    assert said.status == 201, said
    assert said.body["session"]["person"]["id"] == coming
    kept = said.body["hand_over"]
    assert (kept["from_id"], kept["to_id"], kept["note"]) == (leaving, coming, NOTE)
    listed = target.people["dispatcher"].get("/api/incidents?limit=500")["items"]
    assert 0 < kept["open_matters"] <= len(listed)
    desk.headers["X-CSRF-Token"] = said.body["session"]["csrf"]
    assert desk.get("/api/session")["person"]["id"] == coming
    assert [one["note"] for one in desk.get("/api/hand-overs")["items"]] == [NOTE]
    old = Person(target.server.url, "", headers={"Cookie": before, "X-CSRF-Token": csrf})
    assert old.ask("/api/session").status == 401


def test_what_the_next_person_may_not_see_is_not_shown(target: Fuzzed) -> None:
    matter = target.seeds.make("waiting")
    _, desk = names(target, "duty_chief", "zs")
    _, stranger = names(target, "dispatcher", "ss-shengshan")
    assert desk.ask(f"/api/incidents/{matter}").status == 200
    said = take_over(desk, stranger.username)
    desk.headers["X-CSRF-Token"] = said.body["session"]["csrf"]
    assert desk.ask(f"/api/incidents/{matter}").code == "matter.unknown"


@pytest.mark.parametrize("wrong", ["password", "username", "myself"])
def test_without_a_proof_nothing_changes_hands(target: Fuzzed, wrong: str) -> None:
    leaving, desk = names(target)
    _, other = names(target)
    username = {"username": "nobody-at-all", "myself": desk.username}.get(wrong, other.username)
    body = {"username": username, "password": "wrong-example" if wrong == "password" else PASSWORD}
    said = desk.try_to("/api/session/hand-over", body)
    assert said.code == ("hand_over.same_person" if wrong == "myself" else "sign_in.failed")
    assert desk.get("/api/session")["person"]["id"] == leaving
    assert desk.get("/api/hand-overs") == {"items": []}


def test_the_note_is_sealed_and_the_rest_is_audited(target: Fuzzed, city_words: str) -> None:
    _, desk = names(target)
    _, other = names(target)
    assert take_over(desk, other.username, note=city_words).status == 201
    with psycopg.connect(target.server.settings.owner_dsn) as owner:
        kept = str(owner.execute("SELECT h::text FROM hand_over h").fetchall())
        said = str(owner.execute("SELECT convert_from(body, 'UTF8') FROM audit").fetchall())
    assert city_words not in kept + said and city_words.encode().hex() not in kept
    assert '"table":"hand_over"' in said and '"reason":"taken over"' in said


@pytest.fixture
def city_words() -> Iterator[str]:
    yield f"示例：只给接班人看的话 {uuid4()}"


# --- denials -----------------------------------------------------------------------------------


def test_a_failed_sign_in_is_recorded_without_the_name(target: Fuzzed) -> None:
    typed = f"typed-{uuid4().hex[:8]}"
    for _ in range(3):
        assert Person(target.server.url, typed).sign_in("wrong-example").code == "sign_in.failed"
    found = [
        row
        for row in rows(target, "sign_in.failed")
        if row["username_hash"] == username_hash(typed).hex()
    ]
    assert sum(row["times"] for row in found) == 3
    assert {(row["method"], row["route"]) for row in found} == {("POST", "/api/session")}
    assert found[0]["address"] == "127.0.0.1" and found[0]["person"] is None
    assert typed not in str(rows(target, ""))


def test_a_lock_is_recorded(target: Fuzzed) -> None:
    who = Person(target.server.url, f"typed-{uuid4().hex[:8]}")
    for _ in range(6):
        who.sign_in("wrong-example")
    hashed = username_hash(who.username).hex()
    assert any(row["username_hash"] == hashed for row in rows(target, "rate.limited"))


def test_forged_and_ended_requests_are_recorded(target: Fuzzed) -> None:
    person, who = names(target)
    forged = Person(target.server.url, "", headers={**who.headers, "X-CSRF-Token": "x"})
    matter = str(uuid4())
    assert forged.try_to(f"/api/incidents/{matter}/remark", {"text": "示例"}).code == "session.csrf"
    found = rows(target, "session.csrf", person=person)
    assert found[0]["route"].startswith("/api/incidents/{matter") and matter not in str(found)
    ended = Person(target.server.url, "", headers={"Cookie": "muster_session=ended-long-ago"})
    before = sum(row["times"] for row in rows(target, "session.required"))
    assert ended.ask("/api/summary").status == 401
    assert Person(target.server.url, "").ask("/api/session").status == 401
    after = sum(row["times"] for row in rows(target, "session.required"))
    assert after == before + 1, "who only opens the page was refused nothing"


def test_only_the_auditor_of_the_whole_reads_denials(target: Fuzzed) -> None:
    for role, where in (("auditor", "pt"), ("duty_chief", "zs"), ("dispatcher", STATION)):
        said = names(target, role, where)[1].ask("/api/denials")
        assert (said.status, said.code) == (403, "authority.denied"), role


def test_denials_are_read_page_by_page(target: Fuzzed) -> None:
    for number in range(5):
        Person(target.server.url, f"page-{number}-{uuid4().hex[:6]}").sign_in("wrong-example")
    auditor, seen, before = target.people["auditor"], [], None
    while True:
        more = f"&before={before}" if before else ""
        page = auditor.get(f"/api/denials?what=sign_in&limit=2{more}")
        seen += [row["id"] for row in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert len(seen) >= 5 and seen == sorted(set(seen), reverse=True)


def test_denials_of_the_last_ninety_days_stay(database: Database) -> None:
    """Not even the owner alters, removes or empties them by a slip."""
    insert = (
        "INSERT INTO denial (minute, last_at, what, address, method, route)"
        " VALUES (%(at)s, %(at)s, 'sign_in.failed', '', '', '')"
    )
    for dsn in (database.app_dsn, database.owner_dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            for at in ("2026-01-01T00:00:00Z", "2026-11-23T00:00:00Z"):
                connection.execute(insert + " ON CONFLICT DO NOTHING", {"at": at})
            for statement in (
                "UPDATE denial SET what = 'x', times = times + 1",
                "UPDATE denial SET times = 0",
                "DELETE FROM denial WHERE last_at > '2026-06-01'",
                "TRUNCATE denial",
            ):
                with pytest.raises(psycopg.Error):
                    connection.execute(statement)
    with psycopg.connect(database.app_dsn, autocommit=True) as connection:
        assert connection.execute("DELETE FROM denial WHERE last_at < '2026-06-01'").rowcount == 1


# --- policies ----------------------------------------------------------------------------------


def test_a_policy_holds_at_the_next_request(target: Fuzzed) -> None:
    """Somebody at work whose role needs a second factor from now on enrols, and nothing else."""
    county = names(target, "administrator", "ds")[1]
    _, officer = names(target, "officer", "ds")
    assert officer.ask("/api/units").status == 200
    wanted = {"factor_roles": ["officer"], "shortest": 16, "reason": "示例"}
    held = county.do("/api/organisations/ds/policy", wanted)
    assert held["factor_roles"] == ["officer"] and held["shortest"] == 16
    assert officer.ask("/api/units").code == "session.first_steps"
    assert officer.get("/api/session")["needs"] == "factor"
    assert officer.do("/api/session/factor")["address"].startswith("otpauth://")
    county.do("/api/organisations/ds/policy", {"reason": "示例：收回"})
    assert officer.ask("/api/units").status == 200


def test_a_policy_is_for_the_own_area(target: Fuzzed) -> None:
    county = names(target, "administrator", "ds")[1]
    for where in ("zs", "pt"):
        said = county.try_to(f"/api/organisations/{where}/policy", {"reason": "示例"})
        assert (said.status, said.code) == (403, "authority.denied")
    listed = county.get("/api/policies")["items"]
    assert {"ds"} <= {one["organisation"] for one in listed}
    assert not {"zs", "pt"} & {one["organisation"] for one in listed}
    assert all(one["may_change"] for one in listed)
    dispatcher = names(target)[1]
    assert dispatcher.ask("/api/policies").code == "authority.denied"


def test_resets_of_others_are_unknown(target: Fuzzed) -> None:
    person, _ = names(target, "officer", "ds")
    admin = names(target, "administrator", "ds")[1]
    asked = admin.do(f"/api/people/{person}/resets", {"what": "password", "reason": "示例"})
    elsewhere = names(target, "duty_chief", "pt")[1]
    path = f"/api/resets/{asked['id']}/confirm"
    assert elsewhere.try_to(path).code == "reset.unknown"
    assert elsewhere.get("/api/resets") == {"items": []}
    assert names(target, "officer", "ds")[1].try_to(path).code == "authority.denied"
    near = names(target, "duty_chief", "ds")[1]
    assert len(near.do(path)["password"]) == 19
