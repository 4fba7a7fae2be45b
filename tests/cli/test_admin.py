"""`./muster admin`: what the owner of the machine does alone, as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pyotp

from tests.api.staff import hire
from tests.instance import PASSWORD, Instance
from tests.stories.desk import Person, signed_in

MACHINE = "system:machine"


def admin(server: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    """`muster admin WORDS` beside the running Muster."""
    leading = {
        "DATABASE_URL": server.settings.owner_dsn,
        "MUSTER_APP_URL": server.settings.app_dsn,
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "muster.cli", "admin", *words, "--data", server.settings.data],
        capture_output=True,
        text=True,
        env={**os.environ, **leading},
    )


def done_by_machine(server: Instance) -> set[str]:
    """The tables that the audit says the machine's owner changed."""
    rows = signed_in(server, "auditor").get("/api/audit?limit=100")["items"]
    return {one["change"]["table"] for one in rows if one["change"]["actor"] == MACHINE}


def account(server: Instance, role: str = "dispatcher") -> Person:
    return Person(server.url, server.accounts[role][0])


def told(who: Person) -> list[tuple[str, str]]:
    items: list[dict[str, Any]] = who.get("/api/sign-in-changes")["items"]
    return [(one["what"], one["by_name"]) for one in items]


def test_a_password_for_somebody_who_forgot_it(live_server: Instance) -> None:
    before = signed_in(live_server, "dispatcher")
    made = admin(live_server, "reset-password", "dispatcher")
    assert made.returncode == 0, made.stderr
    username, fresh = made.stdout.split()
    assert username == "dispatcher"
    assert before.ask("/api/session").code == "session.required"
    assert account(live_server).sign_in(PASSWORD).code == "sign_in.failed"
    who = account(live_server)
    assert who.sign_in(fresh).body["needs"] == "password"
    said = who.do("/api/session/password", {"old": fresh, "new": "chosen-by-the-owner-1"})
    who.headers["X-CSRF-Token"] = said["csrf"]
    assert told(who) == [("password", "")]
    assert {"person", "session", "sign_in_change"} <= done_by_machine(live_server)


def test_a_lost_phone(live_server: Instance) -> None:
    who = signed_in(live_server, "dispatcher")
    app = pyotp.TOTP(who.do("/api/session/factor")["secret"])
    who.do("/api/session/factor/confirm", {"code": app.now()})
    assert account(live_server).sign_in().code == "sign_in.code_needed"
    assert admin(live_server, "reset-factor", "dispatcher").returncode == 0
    who = account(live_server)
    assert who.sign_in().status == 201
    assert ("factor_off", "") in told(who)
    again = admin(live_server, "reset-factor", "dispatcher")
    assert again.returncode != 0 and "second factor" in again.stderr
    assert "second_factor" in done_by_machine(live_server)


def test_passwords_when_the_provider_is_gone(live_server: Instance) -> None:
    boss = signed_in(live_server, "administrator")
    boss.do("/api/organisations/zs/policy", {"methods": ["oidc"], "reason": "示例"})
    assert account(live_server).sign_in().code == "sign_in.method"
    changed = admin(live_server, "allow-passwords")
    assert changed.returncode == 0 and "policies changed: 1" in changed.stdout
    assert account(live_server).sign_in().status == 201
    assert "policies changed: 0" in admin(live_server, "allow-passwords").stdout
    assert "sign_in_policy" in done_by_machine(live_server)


def test_the_machine_is_the_second_person_where_there_is_none(live_server: Instance) -> None:
    boss = signed_in(live_server, "administrator")
    made = {"name": "示例新值班长", "username": "new-chief", "organisation": "zs"}
    person = boss.do("/api/people", {**made, "password": PASSWORD})["id"]
    wanted = {"role": "duty_chief", "organisation": "zs", "reason": "示例：头一位"}
    boss.do(f"/api/people/{person}/grants", wanted)
    old, _ = hire(live_server, ("auditor", "zs"), confirmed_by=None)
    listed = admin(live_server, "trust")
    assert "new-chief  duty_chief @ zs  (administrator: 示例：头一位)" in listed.stdout
    username = next(one["username"] for one in people(boss) if one["id"] == old)
    assert username in listed.stdout and "given by one alone" in listed.stdout
    confirmed = admin(live_server, "trust", "new-chief")
    assert confirmed.returncode == 0 and "confirmed: 1" in confirmed.stdout, confirmed.stderr
    fresh = confirmed.stdout.split()[-1]
    chief = Person(live_server.url, "new-chief")
    assert chief.sign_in(PASSWORD).code == "sign_in.failed"
    said = chief.sign_in(fresh).body
    assert [one["role"] for one in said["grants"]] == ["duty_chief"]
    assert admin(live_server, "trust", username).returncode == 0
    assert admin(live_server, "trust").stdout == ""
    assert {"trust_request", "role_grant"} <= done_by_machine(live_server)


def people(boss: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boss.get("/api/people?limit=500")["items"]
    return found


def test_an_unknown_name_is_told_and_nothing_done(live_server: Instance) -> None:
    for command in ("reset-password", "reset-factor", "trust"):
        said = admin(live_server, command, "nobody-at-all")
        assert said.returncode != 0 and "Traceback" not in said.stderr
        assert "person" in said.stderr
    assert done_by_machine(live_server) == set()
