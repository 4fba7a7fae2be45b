"""Positions come in, batch by batch, through the real door."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from muster.api.telemetry import BODY_LIMIT, MOST_FIXES
from tests.instance import Instance
from tests.stories.desk import Person, Said, on_duty, signed_in

UNIT, OTHER = "pt-shenjiamen-01", "pt-shenjiamen-02"


def fixes(*spots: tuple[float, float], **more: Any) -> list[dict[str, Any]]:
    """One every millisecond until now."""
    now = datetime.now(UTC)
    return [
        {"lon": lon, "lat": lat, "at": now - timedelta(milliseconds=len(spots) - n), **more}
        for n, (lon, lat) in enumerate(spots)
    ]


def reported(accepted: int, *rejected: tuple[int, str], duplicates: int = 0) -> dict[str, Any]:
    found = [{"index": index, "code": f"position.{code}"} for index, code in rejected]
    return {"accepted": accepted, "duplicates": duplicates, "rejected": found}


def send(person: Person, body: bytes, **headers: str) -> Said:
    response = urllib3.request(
        "POST",
        f"{person.url}/api/positions",
        body=body,
        headers={"Content-Type": "application/json", **person.headers, **headers},
        timeout=30.0,
    )
    return Said(response.status, json.loads(response.data))


def rows(server: Instance, unit: str = UNIT) -> int:
    """Of the unit in the history, once all is written that was said before."""
    time.sleep(1.5)
    with psycopg.connect(server.settings.owner_dsn) as owner:
        found = owner.execute("SELECT count(*) FROM position WHERE unit = %s", (unit,)).fetchone()
    assert found is not None
    return int(found[0])


def test_a_bad_fix_never_loses_the_good_ones(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    good = fixes(*[(122.3, 29.95)] * 3)
    batch = [
        good[0],
        {"lon": "east", "lat": 1, "at": "2026-11-23T08:00:00Z"},
        {"lon": 1, "lat": 1, "at": "yesterday"},
        {"lon": 1, "lat": 1, "at": "2026-11-23T08:00:00"},
        {"lon": 1},
        None,
        "示例",
        {**good[1], "colour": "red"},
        good[1],
        {**good[2], "lat": 91},
        good[2],
    ]
    said = officer.do("/api/positions", {"unit": UNIT, "fixes": batch})
    wrong = [(n, "malformed") for n in range(1, 8)]
    assert said == reported(3, *wrong, (9, "outside_world"))
    assert rows(live_server) == 3


def test_what_is_sent_again_is_known(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    batch = fixes(*[(122.3, 29.95)] * 5)
    assert officer.do("/api/positions", {"unit": UNIT, "fixes": batch}) == reported(5)
    again = officer.do("/api/positions", {"unit": UNIT, "fixes": [*batch, batch[0]]})
    assert again == reported(0, duplicates=6)
    assert rows(live_server) == 5


def test_several_units_in_one_batch_only_where_one_may_report_for_them(
    live_server: Instance,
) -> None:
    officer = on_duty(live_server, UNIT)
    on_duty(live_server, OTHER)
    mine, foreign = fixes((122.3, 29.95), unit=UNIT), fixes((122.3, 29.95), unit=OTHER)
    nobodys = fixes((122.3, 29.95))
    said = officer.do("/api/positions", {"fixes": [*mine, *foreign, *nobodys]})
    assert said == reported(1, (1, "off_duty"), (2, "off_duty"))
    assert rows(live_server, OTHER) == 0


def test_what_a_phone_recorded_before_its_duty_is_refused(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    at = datetime.now(UTC) - timedelta(minutes=5)
    off_duty = [{"lon": 122.3, "lat": 29.95, "at": at}]
    said = officer.do("/api/positions", {"unit": UNIT, "fixes": off_duty})
    assert said == reported(0, (0, "off_duty"))
    assert rows(live_server) == 0


def test_a_moment_may_be_a_number(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    (fix,) = fixes((122.3, 29.95))
    fix["at"] = int(fix["at"].timestamp() * 1000)
    assert officer.do("/api/positions", {"unit": UNIT, "fixes": [fix]}) == reported(1)


MALFORMED: tuple[Any, ...] = (
    {},
    {"unit": UNIT},
    {"unit": UNIT, "fixes": {}},
    {"unit": UNIT, "fixes": [], "more": 1},
    {"unit": "", "fixes": []},
    {"unit": "x" * 65, "fixes": []},
    {"unit": "a\x00b", "fixes": []},
    {"unit": 1, "fixes": []},
)


def test_a_batch_that_is_none_is_refused_whole(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    for body in MALFORMED:
        said = officer.try_to("/api/positions", body)
        expected = (403, "position.off_duty") if body == MALFORMED[6] else (400, "input.invalid")
        assert (said.status, said.code) in (expected, (400, "input.invalid")), body
    for raw in (b"", b"{", b'{"fixes":[', b"\xff\xfe", b"[" * 100_000):
        said = send(officer, raw)
        assert (said.status, said.code) == (400, "input.invalid"), raw[:20]


def test_a_batch_has_a_size(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    many = fixes(*[(122.3, 29.95)] * (MOST_FIXES + 1))
    assert officer.try_to("/api/positions", {"unit": UNIT, "fixes": many}).status == 400
    assert officer.do("/api/positions", {"unit": UNIT, "fixes": many[1:]}) == reported(MOST_FIXES)
    padded = officer.try_to("/api/positions", {"unit": UNIT, "fixes": [], "x": "x" * BODY_LIMIT})
    assert (padded.status, padded.code) == (413, "body.too_large")


def test_a_batch_may_come_compressed(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    batch = [{**one, "at": one["at"].isoformat()} for one in fixes(*[(122.3, 29.95)] * 50)]
    body = json.dumps({"unit": UNIT, "fixes": batch}).encode()
    said = send(officer, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert (said.status, said.body) == (200, reported(50))
    for wrong in (body, gzip.compress(body)[:-9], gzip.compress(body) + b"more"):
        said = send(officer, wrong, **{"Content-Encoding": "gzip"})
        assert (said.status, said.code) == (400, "input.invalid")
    said = send(officer, body, **{"Content-Encoding": "br"})
    assert (said.status, said.code) == (415, "media.unknown")


def test_a_small_body_that_becomes_a_large_one_is_refused(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    bomb = gzip.compress(b'{"unit":"' + b" " * 200_000_000)
    assert len(bomb) < BODY_LIMIT
    before = _resident(live_server)
    said = send(officer, bomb, **{"Content-Encoding": "gzip"})
    assert (said.status, said.code) == (413, "body.too_large")
    assert _resident(live_server) - before < 50_000_000
    # Nowhere else is anything inflated.
    elsewhere = urllib3.request(
        "POST",
        f"{officer.url}/api/units/{UNIT}/sign_off",
        body=gzip.compress(b"{}"),
        headers={**officer.headers, "Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert elsewhere.status in (200, 415)


def _resident(server: Instance) -> int:
    assert server.process is not None
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * 4096


def test_the_latest_is_the_newest_not_the_last_to_come(live_server: Instance) -> None:
    officer, chief = on_duty(live_server, UNIT), signed_in(live_server, "duty-chief")
    older, newer = fixes((122.30, 29.95), (122.31, 29.95))
    for one in (newer, older):
        assert officer.do("/api/positions", {"unit": UNIT, "fixes": [one]}) == reported(1)
    row = next(one for one in chief.get("/api/units")["items"] if one["id"] == UNIT)
    assert row["position"]["lon"] == 122.31
    assert rows(live_server) == 2
