"""What devices of others send, read as Traccar reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ValidationException

from muster.api.telemetry_devices import asked, forwarded, located, moment, pairs
from tests.instance import Instance
from tests.stories.desk import Said, on_duty, signed_in

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Wanted = tuple[str, float, float, Any]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


#: The examples of www.traccar.org/osmand and of Traccar's own tests of that protocol.
QUERIES: tuple[tuple[str, Wanted], ...] = (
    (
        "id=12345&lat=48.8566&lon=2.3522&timestamp=1609459200000",
        ("12345", 48.8566, 2.3522, 1609459200000),
    ),
    (
        "deviceid=12345&lat=48.8566&lon=2.3522&timestamp=2021-01-01T00:00:00Z&speed=15&bearing=270"
        "&altitude=35&accuracy=10&hdop=0.8&batt=75",
        ("12345", 48.8566, 2.3522, at(2021, 1, 1)),
    ),
    (
        "id=12345&lat=48.8566&lon=2.3522&timestamp=1609459200000&cell=208,10,12345,67890,50"
        "&wifi=00:11:22:33:44:55,-70",
        ("12345", 48.8566, 2.3522, 1609459200000),
    ),
    (
        "id=123456&lat=60.0&lon=30.0&timestamp=1377177267123&hdop=0.0&altitude=0&speed=0.0",
        ("123456", 60.0, 30.0, 1377177267123),
    ),
    (
        "id=902064&lat=42.06288&lon=-88.23412&timestamp=2016-01-27T18%3A55%3A47Z&hdop=6.0"
        "&altitude=224.0&speed=0.0",
        ("902064", 42.06288, -88.23412, at(2016, 1, 27, 18, 55, 47)),
    ),
    (
        "lat=49.60688&lon=6.15788&timestamp=2014-06-04+09%3A10%3A11&altitude=384.7&speed=0.0"
        "&id=353861053849681",
        ("353861053849681", 49.60688, 6.15788, at(2014, 6, 4, 9, 10, 11)),
    ),
    (
        "id=123456&timestamp=1377177267&lat=60.0&lon=30.0&speed=0.0&bearing=0.0&altitude=0"
        "&hdop=0.0",
        ("123456", 60.0, 30.0, 1377177267000),
    ),
    (
        "lat=60.0&lon=30.0&speed=0.0&heading=0.0&vacc=0&hacc=0&altitude=0&deviceid=123456",
        ("123456", 60.0, 30.0, NOW),
    ),
    (
        "id=123456&timestamp=1377177267&location=60.0,30.0",
        ("123456", 60.0, 30.0, 1377177267000),
    ),
    (
        "id=123456789012345&timestamp=1504763810&lat=40.7232948571&lon=-74.0061408571"
        "&bearing=7.19889788244&speed=40&ignition=true&rpm=933&fuel=24",
        ("123456789012345", 40.7232948571, -74.0061408571, 1504763810000),
    ),
)


@pytest.mark.parametrize(("query", "wanted"), QUERIES)
def test_the_osmand_form(query: str, wanted: Wanted) -> None:
    sent = asked(pairs(query.encode()), NOW)
    assert sent.fix is not None
    assert (sent.token, sent.fix.lat, sent.fix.lon, sent.fix.at) == wanted


def test_speed_is_in_knots_and_the_rest_as_it_stands() -> None:
    fix = asked(pairs(QUERIES[1][0].encode()), NOW).fix
    assert fix is not None and fix.speed_kmh == pytest.approx(27.78)
    assert (fix.heading, fix.accuracy_m) == (270, 10)


def test_without_a_place_there_is_no_fix() -> None:
    keeping_alive = "id=123456&timestamp=1377177267&cell=257,02,16,2224&wifi=00-14-22-01-23-45,-80"
    assert asked(pairs(keeping_alive.encode()), NOW).fix is None
    assert asked(pairs(b"timestamp=1377177267&lat=60.0&lon=30.0"), NOW).token == ""
    invalid = asked(pairs(b"id=1&lat=60.0&lon=30.0&valid=false"), NOW).fix
    assert invalid is not None and (invalid.lon, invalid.lat) == (0, 0)


def test_a_unit_may_be_named_beside_the_token() -> None:
    assert asked(pairs(b"id=1&unit=pt-shenjiamen-01&lat=1&lon=1"), NOW).unit == "pt-shenjiamen-01"


#: Traccar's own tests: two phones that stand still, one that drives.
CLIENT = (
    (
        '{"location":{"timestamp":"2025-06-15T13:45:12.862Z","coords":{"latitude":37.4219983,'
        '"longitude":-122.084,"accuracy":5,"speed":0,"heading":-1,"altitude":5},"is_moving":false,'
        '"odometer":0,"event":"motionchange","battery":{"level":1,"is_charging":false},"activity":'
        '{"type":"still"},"extras":{},"_":"&id=48241179&lat=37.4219983&lon=-122.084&timestamp='
        '2025-06-15T13:45:12.862Z&"},"device_id":"48241179"}',
        ("48241179", 37.4219983, -122.084, at(2025, 6, 15, 13, 45, 12, 862_000)),
        0.0,
    ),
    (
        '{"location":{"extras":{},"mock":true,"coords":{"speed_accuracy":-1,"speed":-1,"longitude":'
        '-122.406417,"ellipsoidal_altitude":0,"floor":null,"heading_accuracy":-1,"latitude":'
        '37.785834000000001,"accuracy":5,"altitude_accuracy":-1,"altitude":0,"heading":-1},'
        '"is_moving":false,"age":188,"odometer":0,"uuid":"2FB04C65-99CF-42AB-8DD3-EBCB4B108BF8",'
        '"event":"motionchange","battery":{"level":-1,"is_charging":false},"activity":{"type":'
        '"unknown","confidence":100},"timestamp":"2025-05-09T04:11:30.579Z"},"device_id":"658765"}',
        ("658765", 37.785834, -122.406417, at(2025, 5, 9, 4, 11, 30, 579_000)),
        -3.6,
    ),
    (
        '{"location":{"event":"motionchange","is_moving":false,"timestamp":'
        '"2021-07-21T08:06:34.444Z","odometer":0,"coords":{"latitude":-6.1148096,"longitude":'
        '106.6837015,"accuracy":3.8,"speed":18.67,"speed_accuracy":0.26,"heading":63,'
        '"heading_accuracy":0.28,"altitude":35.7,"altitude_accuracy":3.8},"activity":{"type":'
        '"still","confidence":100},"battery":{"is_charging":false,"level":0.79},"extras":{}},'
        '"device_id":"8737767034"}',
        ("8737767034", -6.1148096, 106.6837015, at(2021, 7, 21, 8, 6, 34, 444_000)),
        67.212,
    ),
)


@pytest.mark.parametrize(("body", "wanted", "speed_kmh"), CLIENT)
def test_traccar_client_since_version_9(body: str, wanted: Wanted, speed_kmh: float) -> None:
    sent = located(body.encode())
    assert sent.fix is not None
    assert (sent.token, sent.fix.lat, sent.fix.lon, sent.fix.at) == wanted
    assert sent.fix.speed_kmh == pytest.approx(speed_kmh)


def forward(**changes: Any) -> bytes:
    position = {
        "id": 12345,
        "attributes": {"batteryLevel": 85, "motion": True},
        "deviceId": 10,
        "protocol": "osmand",
        "serverTime": "2026-11-23T07:59:58.000+00:00",
        "deviceTime": "2026-11-23T07:59:55.000+00:00",
        "fixTime": "2026-11-23T07:59:55.000+00:00",
        "outdated": False,
        "valid": True,
        "latitude": 29.947,
        "longitude": 122.301,
        "altitude": 7.0,
        "speed": 13.5,
        "course": 180.0,
        "address": None,
        "accuracy": 0.0,
        "network": None,
    }
    device = {"id": 10, "name": "示例车", "uniqueId": "pt-shenjiamen-01", "status": "online"}
    return json.dumps({"position": {**position, **changes}, "device": device}).encode()


def test_a_traccar_server_forwards() -> None:
    sent = forwarded(forward(), "token")
    assert (sent.token, sent.unit) == ("token", "pt-shenjiamen-01")
    assert sent.fix is not None
    assert (sent.fix.lat, sent.fix.lon, sent.fix.heading) == (29.947, 122.301, 180)
    assert sent.fix.at == NOW - timedelta(seconds=5)
    assert sent.fix.speed_kmh == pytest.approx(25.0, abs=0.01)
    assert sent.fix.accuracy_m is None  # 0 means that Traccar does not know it
    older = forwarded(forward(fixTime="2026-11-23T07:59:55.000+0000"), "").fix
    assert older is not None and older.at == sent.fix.at
    invalid = forwarded(forward(valid=False), "").fix
    assert invalid is not None and (invalid.lon, invalid.lat) == (0, 0)


@given(st.binary(max_size=200) | st.text("id=latlontimestamp&0123456789.-%+ TZ:", max_size=200))
def test_nothing_that_is_sent_breaks_it(sent: bytes | str) -> None:
    raw = sent if isinstance(sent, bytes) else sent.encode()
    for read in (lambda: asked(pairs(raw), NOW), lambda: located(raw), lambda: forwarded(raw, "t")):
        try:
            read()
        except ValidationException:
            pass


@given(st.text("0123456789TZ:-+. e", max_size=30) | st.text(max_size=10))
def test_a_moment_is_one_or_an_error(text: str) -> None:
    try:
        found = moment(text)
    except ValueError:
        return
    assert isinstance(found, int) or found.tzinfo is not None


# --- through the real doors --------------------------------------------------------------------

UNIT, OTHER = "pt-shenjiamen-01", "pt-shenjiamen-02"


def token(server: Instance, scope: str = "positions:report", **changes: Any) -> str:
    ends = datetime.now(UTC) + timedelta(days=1)
    body = {"name": "示例设备", "organisation": "pt", "scopes": [scope], "expires_at": ends}
    made = signed_in(server, "administrator").do("/api/tokens", {**body, "unit": UNIT, **changes})
    return str(made["value"])


def ask(server: Instance, path: str, **more: Any) -> Said:
    method = "POST" if "body" in more else "GET"
    response = urllib3.request(method, server.url + path, timeout=30.0, retries=False, **more)
    return Said(response.status, json.loads(response.data))


def here(lon: float = 122.301) -> dict[str, Any]:
    return {"lat": 29.947, "lon": lon, "timestamp": int(datetime.now(UTC).timestamp() * 1000)}


def spot(server: Instance, unit: str = UNIT) -> Any:
    rows = signed_in(server, "duty-chief").get("/api/units")["items"]
    return next(row for row in rows if row["id"] == unit)["position"]


def test_a_device_with_a_url_only(live_server: Instance) -> None:
    on_duty(live_server, UNIT)
    mine = token(live_server)
    query = urlencode({"id": mine, **here(), "speed": 20, "bearing": 45, "accuracy": 5})
    said = ask(live_server, f"/api/positions/osmand?{query}")
    assert (said.status, said.body["accepted"]) == (200, 1)
    shown = spot(live_server)
    assert (shown["lon"], shown["heading"], shown["speed_kmh"]) == (122.301, 45, 37)
    again = ask(live_server, f"/api/positions/osmand?{query}")
    assert (again.status, again.body["duplicates"]) == (200, 1)
    form = urlencode({"deviceid": mine, **here(122.302)}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(live_server, "/api/positions/osmand", body=form, headers=headers).status == 200
    assert spot(live_server)["lon"] == 122.302
    body = json.loads(CLIENT[2][0])
    body["device_id"] = mine
    body["location"]["timestamp"] = datetime.now(UTC).isoformat()
    headers = {"Content-Type": "application/json"}
    sent = json.dumps(body).encode()
    assert ask(live_server, "/api/positions/osmand", body=sent, headers=headers).status == 200
    assert spot(live_server)["lon"] == 106.683702
    log = live_server.log.read_text()
    assert '"path":"/api/positions/osmand"' in log
    assert mine not in log and mine.rpartition("_")[2] not in log


def test_a_traccar_server_at_the_door(live_server: Instance) -> None:
    on_duty(live_server, UNIT)
    path, json_type = "/api/positions/traccar", {"Content-Type": "application/json"}
    now = datetime.now(UTC).isoformat()
    bearer = {**json_type, "Authorization": f"Bearer {token(live_server)}"}
    said = ask(live_server, path, body=forward(fixTime=now), headers=bearer)
    assert (said.status, said.body["accepted"]) == (200, 1)
    assert spot(live_server)["heading"] == 180
    for headers in (json_type, {**json_type, "Authorization": "Bearer mst_wrong"}):
        said = ask(live_server, path, body=forward(fixTime=now), headers=headers)
        assert (said.status, said.code) == (401, "token.invalid")
    assert ask(live_server, path, body=b"{}", headers=bearer).status == 400


def test_a_gateway_names_the_unit(live_server: Instance) -> None:
    on_duty(live_server, UNIT)
    gateway = token(live_server, unit=None)
    query = urlencode({"id": gateway, **here()})
    for more, status in (("", 403), (f"&unit={OTHER}", 403), (f"&unit={UNIT}", 200)):
        said = ask(live_server, f"/api/positions/osmand?{query}{more}")
        assert said.status == status, said
    assert spot(live_server, OTHER) is None
    batch = {"fixes": [{**fix, "unit": unit} for unit in (UNIT, OTHER) for fix in [plain_fix()]]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway}"}
    body = msgspec.json.encode(batch)
    said = ask(live_server, "/api/positions", body=body, headers=headers)
    assert said.body["accepted"] == 1
    assert said.body["rejected"] == [{"index": 1, "code": "position.off_duty"}]


def plain_fix() -> dict[str, Any]:
    return {"lon": 122.305, "lat": 29.95, "at": datetime.now(UTC)}


def test_a_device_of_a_unit_off_duty_is_refused(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    mine = token(live_server)
    assert (
        ask(live_server, f"/api/positions/osmand?{urlencode({'id': mine, **here()})}").status == 200
    )
    officer.do(f"/api/units/{UNIT}/sign_off")
    said = ask(live_server, f"/api/positions/osmand?{urlencode({'id': mine, **here()})}")
    assert (said.status, said.code) == (403, "position.off_duty")
    assert spot(live_server) is None


def test_who_has_no_token_for_positions_sends_none(live_server: Instance) -> None:
    officer = on_duty(live_server, UNIT)
    wrong = token(live_server, "read:units", unit=None)
    ended = token(live_server)
    administrator = signed_in(live_server, "administrator")
    number = next(one["id"] for one in administrator.get("/api/tokens")["items"] if one["unit"])
    administrator._ask("DELETE", f"/api/tokens/{number}?reason=example")
    for value, status in ((wrong, 403), (ended, 401), ("", 401), ("12345", 401), (UNIT, 401)):
        query = urlencode({"id": value, **here()})
        # A session is no token, and is not looked at.
        said = ask(live_server, f"/api/positions/osmand?{query}", headers=officer.headers)
        assert said.status == status, (value[:8], said)
    assert spot(live_server) is None
