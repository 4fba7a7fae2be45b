"""A unit's track kept as evidence: only of an order here, proven by its segments, for the matter's
time and not the positions'."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner

from muster.cli.main import muster
from muster.command.retention import inputs
from muster.journal.entry import Private
from muster.journal.read import Reading
from muster.supervise.trouble import Trouble
from muster.telemetry import verify_track
from muster.telemetry.fixes import Fix
from muster.telemetry.track import Track, positions_of, read_track
from tests.invariants.acting import UNITS, Acting

UNIT, OTHER = UNITS[:2]
LAW = ("示例：刑事诉讼法第五十二条", "示例：出警经过须作证据")
LON, LAT = 122.3, 29.94


def drive(acting: Acting, minutes: int, *units: str) -> None:
    """Units report every ten seconds, and the minutes are sealed."""
    system = acting.system
    positions, clock = system.positions, system.platform.clock
    for _ in range(minutes * 6):
        acting.wait(10)
        now = clock.now()
        for number, unit in enumerate(units or (UNIT, OTHER)):
            fix = Fix(lon=LON + number, lat=LAT, at=now, speed_kmh=30)
            since = {unit: now - timedelta(hours=1)}
            taken = positions.report([fix], positions.reporter(lambda s=since: s), now, unit)
            assert taken.accepted == 1
    positions.flush()
    acting.wait(60)
    positions._history.seal()


@pytest.fixture
def driven(acting: Acting) -> tuple[Acting, str, str]:
    """A matter, and the order of a unit that reported before, during and after it."""
    acting.on_duty(UNIT, OTHER)
    acting.wait(3600)
    drive(acting, 3)
    matter = acting.report()
    order = acting.dispatch(matter, UNIT)
    acting.walk(matter, order, "deliver", "sign", "set_out")
    drive(acting, 5)
    acting.walk(matter, order, "arrive", "handle", "finish")
    drive(acting, 3)
    return acting, matter, order


def asked(acting: Acting, matter: str, order: str, **changed: Any) -> inputs.KeepTrack:
    times = acting.state(matter).orders[order].times
    whole = inputs.KeepTrack(order, times["given"], times["finished"], *LAW)
    return msgspec.structs.replace(whole, **changed)


def kept(acting: Acting, matter: str) -> Track:
    (one,) = acting.state(matter).retention.tracks
    journal = acting.system.platform.journal
    item = Private(item=f"{one.number}.track")
    with journal.pool.connection() as connection:
        opened = Reading(connection, journal.vault, journal.kinds).open([(matter, item)])
    return read_track(next(iter(opened.values())))


def test_the_track_of_an_order_is_kept_and_nothing_else(driven: tuple[Acting, str, str]) -> None:
    acting, matter, order = driven
    times = acting.state(matter).orders[order].times
    acting.do("duty_chief", "retention.keep_track", matter, asked(acting, matter, order))
    track = kept(acting, matter)
    found = positions_of(track)
    assert len(found) == track.positions >= 24
    assert {one.lon for one in found} == {LON}, "the other unit's positions are not in it"
    assert times["given"] <= found[0].at and found[-1].at <= times["finished"]
    assert verify_track.check(json.loads(msgspec.json.encode(track))) == []
    with psycopg.connect(acting.system.settings.app_dsn) as connection:
        data = bytes(
            connection.execute(
                "SELECT bytes FROM entry WHERE kind = 'retention.track_kept'"
            ).fetchone()[0]  # type: ignore[index]
        )
    assert b"122" not in data.partition(b'"body"')[2].replace(matter.encode(), b""), "sealed"


def test_only_the_time_of_an_order_of_this_matter(driven: tuple[Acting, str, str]) -> None:
    acting, matter, order = driven
    second = timedelta(seconds=1)
    whole = asked(acting, matter, order)
    other = acting.report()
    theirs = acting.dispatch(other, OTHER)

    def refused(**changed: Any) -> str:
        wanted = msgspec.structs.replace(whole, **changed)
        return acting.refusal("duty_chief", "retention.keep_track", matter, wanted)

    assert refused(since=whole.since - second) == "track.outside_order"
    assert refused(until=whole.until + second) == "track.outside_order"
    assert refused(since=whole.until, until=whole.since) == "track.outside_order"
    assert refused(until=whole.since + second) == "track.nothing_there"
    assert refused(order=theirs) == refused(order=acting.fresh()) == "order.unknown"
    for role in ("dispatcher", "auditor", "analyst", "call_taker"):
        assert acting.refusal(role, "retention.keep_track", matter, whole) == "authority.denied"
    assert acting.state(matter).retention.tracks == ()


def test_what_is_not_sealed_or_was_altered_is_no_evidence(driven: tuple[Acting, str, str]) -> None:
    acting, matter, order = driven
    whole = asked(acting, matter, order)
    change = "UPDATE position SET lon = lon + 1 WHERE unit = %s AND at BETWEEN %s AND %s"
    with psycopg.connect(acting.system.settings.owner_dsn) as owner:
        owner.execute(change, (UNIT, whole.since, whole.until))
    assert acting.refusal("duty_chief", "retention.keep_track", matter, whole) == "track.altered"
    fresh = acting.report()
    running = acting.dispatch(fresh, OTHER)
    acting.walk(fresh, running, "deliver", "sign")
    acting.wait(60)
    positions, now = acting.system.positions, acting.system.platform.clock.now()
    fix = Fix(lon=LON, lat=LAT, at=now)
    since = {OTHER: now - timedelta(hours=1)}
    positions.report([fix], positions.reporter(lambda: since), now, OTHER)
    positions.flush()
    with positions._history._writing:  # nothing is sealed meanwhile
        acting.wait(60)
        given = acting.state(fresh).orders[running].times["given"]
        until = acting.system.platform.clock.now()
        wanted = inputs.KeepTrack(running, given, until, *LAW)
        code = acting.refusal("duty_chief", "retention.keep_track", fresh, wanted)
    assert code == "track.unsealed"


def test_it_outlives_the_positions_and_goes_with_the_matter(
    driven: tuple[Acting, str, str],
) -> None:
    acting, matter, order = driven
    acting.do("duty_chief", "retention.keep_track", matter, asked(acting, matter, order))
    before = kept(acting, matter)
    with psycopg.connect(acting.system.settings.owner_dsn) as owner:
        owner.execute("TRUNCATE position")
        owner.execute("DELETE FROM position_leaves")
    assert kept(acting, matter) == before
    assert verify_track.check(json.loads(msgspec.json.encode(before))) == []
    again = asked(acting, matter, order)
    assert acting.refusal("duty_chief", "retention.keep_track", matter, again) == (
        "track.nothing_there"
    )
    done = {"kind": "invalid", "reason": "示例"}
    acting.do("dispatcher", "incident.request_cancel", matter, _cancel(**done))
    acting.do("duty_chief", "incident.confirm_cancel", matter)
    acting.erase(matter, "recordings")
    assert "recordings" in acting.state(matter).retention.erased
    with pytest.raises(StopIteration):
        kept(acting, matter)


def _cancel(**words: Any) -> msgspec.Struct:
    from muster.command.incidents.inputs import RequestCancel

    return RequestCancel(**words)


def test_an_export_proves_the_track_without_muster(
    driven: tuple[Acting, str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    acting, matter, order = driven
    acting.do("duty_chief", "retention.keep_track", matter, asked(acting, matter, order))
    settings = acting.system.settings
    monkeypatch.setenv("DATABASE_URL", settings.owner_dsn)
    monkeypatch.setenv("MUSTER_APP_URL", settings.app_dsn)
    file, data = tmp_path / "matter.json", ["--data", settings.data]
    words = ["journal", "export", matter, *data, "--to", str(file), "--reason", "示例", "--open"]
    told = CliRunner().invoke(muster, words)
    assert told.exit_code == 0, told.output
    assert verify_track.main([str(file)]) == 0
    read = CliRunner().invoke(muster, ["journal", "import", str(file)])
    assert read.exit_code == 0 and UNIT in read.output and '"rows"' not in read.output
    whole = CliRunner().invoke(muster, ["journal", "verify", *data, "--vault"])
    assert whole.exit_code == 0, whole.output
    found = json.loads(file.read_text())
    (item,) = (name for name in found["opened"]["texts"] if name.endswith(".track"))
    track = json.loads(found["opened"]["texts"][item])
    for bend in bends(track):
        found["opened"]["texts"][item] = json.dumps(bend)
        file.write_text(json.dumps(found))
        assert verify_track.main([str(file)]) == 1
        refused = CliRunner().invoke(muster, ["journal", "import", str(file)])
        assert isinstance(refused.exception, Trouble)


def bends(track: Any) -> list[Any]:
    """The track with a position moved, a leaf left out, another unit, a segment's hash, a count."""
    bent: list[Any] = []
    for change in ("rows", "unit", "hash", "previous", "positions", "minute", "body", "path"):
        copy = json.loads(json.dumps(track))
        segment = copy["segments"][0]
        if change == "rows":
            rows = segment["leaves"][0]["rows"]
            segment["leaves"][0]["rows"] = ("B" if rows[20] != "B" else "C").join(
                (rows[:20], rows[21:])
            )
        elif change == "unit":
            copy["unit"] = OTHER
        elif change in ("hash", "previous"):
            segment[change] = "0" * 64
        elif change == "positions":
            copy["positions"] += 1
        elif change == "minute":
            segment["leaves"][0]["minute"] = "2026-01-01T00:00Z"
        elif change == "body":
            segment["body"] = segment["body"].replace('"rows":', '"rows":1')
        else:
            segment["leaves"][0]["path"] = []
        bent.append(copy)
    return bent


def test_a_kept_track_whose_segments_are_not_in_the_chain_is_named(
    driven: tuple[Acting, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acting, matter, order = driven
    acting.do("duty_chief", "retention.keep_track", matter, asked(acting, matter, order))
    settings = acting.system.settings
    with psycopg.connect(settings.owner_dsn) as owner:
        owner.execute("ALTER TABLE position_segment DISABLE TRIGGER ALL")
        owner.execute("UPDATE position_segment SET hash = sha256(hash)")
    monkeypatch.setenv("DATABASE_URL", settings.owner_dsn)
    monkeypatch.setenv("MUSTER_APP_URL", settings.app_dsn)
    words = ["journal", "verify", "--data", settings.data, "--vault"]
    told = CliRunner().invoke(muster, words)
    assert told.exit_code == 1 and f"track {matter}" in told.output.replace("轨迹/", "")
