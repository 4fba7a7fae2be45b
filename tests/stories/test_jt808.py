"""A boat with a JT/T 808 terminal: on the live picture, and its alarm button on every board."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.terminal import PHONE, Terminal, Wire, position
from tests.instance import ROOT, Instance, free_port
from tests.stories.desk import Person, on_duty, signed_in

UNIT = "pt-shenjiamen-01"


def token(server: Instance, *scopes: str, **changes: str) -> str:
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"name": "示例网关", "organisation": "pt", "scopes": scopes, "expires_at": ends}
    made = signed_in(server, "administrator").do("/api/tokens", {**body, **changes})
    return str(made["value"])


@contextmanager
def gateway(server: Instance, folder: Path, value: str) -> Iterator[int]:
    """A gateway process as an administrator starts it."""
    (folder / "token").write_text(value)
    (folder / "devices.csv").write_text(f"phone,unit,datum\n{PHONE},{UNIT},wgs84\n")
    port = free_port()
    words = ["gateway", "jt808", "--to", server.url, "--port", str(port)]
    words += ["--token-file", str(folder / "token"), "--devices", str(folder / "devices.csv")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "muster.cli", *words], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        while "JT/T 808" not in (folder / "log").read_text():
            assert process.poll() is None, (folder / "log").read_text()
        yield port
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0, (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()


def shown(dispatcher: Person) -> Any:
    return next(one for one in dispatcher.get("/api/units")["items"] if one["id"] == UNIT)


@pytest.mark.parametrize("year", [2013, 2019])
def test_from_the_terminal_to_the_picture(live_server: Instance, tmp_path: Path, year: int) -> None:
    on_duty(live_server, UNIT)
    dispatcher = signed_in(live_server, "dispatcher")
    with gateway(live_server, tmp_path, token(live_server, "positions:report")) as port:
        wire = Wire(port, Terminal(year=year))
        wire.sign_in()
        now = datetime.now(UTC).replace(microsecond=0)
        wire.send(wire.terminal.frame(0x0200, position(now, 122.3045, 29.9481)))
        assert wire.answer().result == 0, "the server has it, so the terminal may forget it"
        seen = shown(dispatcher)["position"]
        assert (seen["lon"], seen["lat"]) == (122.3045, 29.9481)
        assert (seen["heading"], seen["speed_kmh"]) == (87, 36.0)
        # Nobody answered in time: the terminal sends it again, and it is there once.
        wire.send(wire.terminal.frame(0x0200, position(now, 122.3045, 29.9481)))
        assert wire.answer().result == 0
        wire.close()
    assert "positions 1 " in (tmp_path / "log").read_text()


def test_the_alarm_button_is_seen_until_somebody_ends_it(
    live_server: Instance, tmp_path: Path
) -> None:
    on_duty(live_server, UNIT)
    dispatcher = signed_in(live_server, "dispatcher")
    value = token(live_server, "positions:report", "alarms:report")
    with gateway(live_server, tmp_path, value) as port:
        wire = Wire(port)
        wire.sign_in()

        def send(alarm: int) -> str:
            at = datetime.now(UTC)
            wire.send(wire.terminal.frame(0x0200, position(at, alarm=alarm)))
            assert wire.answer().result == 0
            return str(shown(dispatcher)["group"])

        assert [send(0), send(1), send(0)] == ["available", "emergency", "emergency"]
        dispatcher.do(f"/api/units/{UNIT}/status", {"status": "available", "reason": "示例：误按"})
        assert [send(0), send(1), send(1)] == ["available", "emergency", "emergency"]
        dispatcher.do(f"/api/units/{UNIT}/status", {"status": "available", "reason": "示例：误按"})
        assert send(1) == "available", "a button that stays down is not a second call"
        wire.close()
    audit = signed_in(live_server, "auditor").get("/api/audit")["items"]
    assert sum("alarm button" in one["change"]["reason"] for one in audit) == 2


def test_off_duty_nothing_is_kept_and_the_terminal_is_not_kept_waiting(
    live_server: Instance, tmp_path: Path
) -> None:
    value = token(live_server, "positions:report", "alarms:report")
    with gateway(live_server, tmp_path, value) as port:
        wire = Wire(port)
        wire.sign_in()
        wire.send(wire.terminal.frame(0x0200, position(datetime.now(UTC), alarm=1)))
        assert wire.answer().result == 0
        wire.close()
    said = (tmp_path / "log").read_text()
    assert "server.position.off_duty 1" in said and "server.unit.not_on_duty 1" in said
    assert shown(signed_in(live_server, "dispatcher"))["position"] is None


def test_a_token_without_alarms_or_for_others_says_none_and_positions_go_on(
    live_server: Instance, tmp_path: Path
) -> None:
    on_duty(live_server, UNIT)
    with gateway(live_server, tmp_path, token(live_server, "positions:report")) as port:
        wire = Wire(port)
        wire.sign_in()
        wire.send(wire.terminal.frame(0x0200, position(datetime.now(UTC), alarm=1)))
        assert wire.answer().result == 0
        wire.close()
    said = (tmp_path / "log").read_text()
    assert "server.token.scope 1" in said and "positions 1 " in said
    seen = shown(signed_in(live_server, "dispatcher"))
    assert seen["group"] == "available" and seen["position"] is not None
    for foreign in ({"organisation": "dh"}, {"unit": "pt-shenjiamen-02"}):
        value = token(live_server, "alarms:report", **foreign)
        machine = Person(live_server.url, "")
        machine.headers["Authorization"] = f"Bearer {value}"
        said_no = machine.try_to("/api/alarms", {"unit": UNIT, "at": datetime.now(UTC)})
        assert (said_no.status, said_no.code) == (403, "authority.denied")
