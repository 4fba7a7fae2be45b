"""Whoever's sign-in was changed elsewhere or by others is told, until it is read."""

from __future__ import annotations

from typing import Any

import psycopg
import pyotp
import pytest

from tests.api.fuzzing import Fuzzed
from tests.api.staff import come_in, hire
from tests.instance import PASSWORD
from tests.stories.desk import Person

TOP = "zs"


def told(who: Person) -> list[tuple[str, bool]]:
    items = who.get("/api/sign-in-changes")["items"]
    return [(one["what"], one["own"]) for one in items]


def again(target: Fuzzed, person: str, who: Person) -> Person:
    """The same person in another session."""
    return come_in(target.server, person, who.username)


def change_password(who: Person, new: str) -> None:
    said = who.do("/api/session/password", {"old": who.password, "new": new})
    who.headers["X-CSRF-Token"], who.password = said["csrf"], new


def enrol(who: Person) -> None:
    app = pyotp.TOTP(who.do("/api/session/factor")["secret"])
    said = who.do("/api/session/factor/confirm", {"code": app.now()})
    who.headers["X-CSRF-Token"] = said["session"]["csrf"]


@pytest.fixture
def someone(target: Fuzzed) -> tuple[str, Person]:
    return hire(target.server, ("dispatcher", TOP))


def test_what_one_does_oneself_is_told_elsewhere(
    target: Fuzzed, someone: tuple[str, Person]
) -> None:
    """The one who did it knows; a thief who did it is found out at the owner's next sign-in."""
    person, who = someone
    change_password(who, "chosen-by-the-owner-1")
    assert told(who) == []
    other = again(target, person, who)
    (item,) = other.get("/api/sign-in-changes")["items"]
    assert (item["what"], item["own"], item["by_name"]) == ("password", True, "示例新人")
    enrol(who)
    other = again(target, person, who)
    who.do("/api/session/factor/codes")
    assert told(other) == [("password", True), ("factor", True), ("codes", True)]
    assert told(who) == []
    said = who._ask("DELETE", "/api/session/factor")
    assert said.status == 200
    assert told(again(target, person, who))[-1] == ("factor_off", True)


def test_what_others_do_is_told_everywhere(target: Fuzzed, someone: tuple[str, Person]) -> None:
    person, who = someone
    _, boss = hire(target.server, ("administrator", TOP))
    _, chief = hire(target.server, ("duty_chief", TOP))
    enrol(who)
    for what in ("factor", "password"):
        wanted = {"what": what, "reason": "示例"}
        reset = boss.do(f"/api/people/{person}/resets", wanted)["id"]
        chief.do(f"/api/resets/{reset}/confirm")
    with psycopg.connect(target.server.settings.app_dsn) as connection:
        connection.execute("UPDATE person SET password_until = NULL WHERE id = %s", (person,))
    here = again(target, person, who)
    assert told(here) == [("factor", True), ("factor_off", False), ("password", False)]
    by = [one["by_name"] for one in here.get("/api/sign-in-changes")["items"]]
    assert by[1:] == ["示例新人", "示例新人"]


def test_read_is_read_and_in_the_audit(target: Fuzzed, someone: tuple[str, Person]) -> None:
    person, who = someone
    change_password(who, "chosen-by-the-owner-1")
    here = again(target, person, who)
    (item,) = here.get("/api/sign-in-changes")["items"]
    door = f"/api/sign-in-changes/{item['id']}/read"
    _, stranger = hire(target.server, ("administrator", TOP))
    assert stranger.try_to(door).code == "change.unknown"
    assert here.try_to(door).status == 204
    assert here.try_to(door).code == "change.unknown"
    assert told(here) == [] == told(again(target, person, who))
    _, auditor = hire(target.server, ("auditor", TOP))
    rows = [one["change"] for one in auditor.get("/api/audit?limit=30")["items"]]
    (row,) = [one for one in rows if one["key"] == {"id": item["id"]} and one["reason"] == "read"]
    assert row["actor"] == person and row["after"]["seen_at"]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password.short"),
        ("Password2026!!", "password.common"),
        ("a few words of mine", ""),
        ("1111 1111 1111 1111", "password.common"),
    ],
)
def test_a_password_is_judged_by_the_rules_of_the_change(
    target: Fuzzed, someone: tuple[str, Person], password: str, code: str
) -> None:
    _, who = someone
    said = who.do("/api/session/password/judge", {"password": password})
    assert (said["code"], said["shortest"]) == (code, 12)
    assert bool(said["says_zh"]) == bool(said["says_en"]) == bool(code)
    nobody = Person(target.server.url, "")
    first = nobody.do("/api/first/judge", {"username": "first", "password": password})
    assert first["code"] == code
    body: dict[str, Any] = {"old": PASSWORD, "new": password}
    assert (who.try_to("/api/session/password", body).body.get("code") or "") == code


def test_a_stricter_policy_counts_for_the_hint(target: Fuzzed) -> None:
    _, boss = hire(target.server, ("administrator", TOP))
    _, who = hire(target.server, ("officer", "ds"))
    boss.do("/api/organisations/ds/policy", {"shortest": 20, "reason": "示例"})
    said = who.do("/api/session/password/judge", {"password": "a few words of mine"})
    assert (said["code"], said["shortest"]) == ("password.short", 20)
