"""Plays a recorded file of calls, or one day of it, through the doors of a fresh instance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from muster.geography.pack import Pack, load
from muster.journal.clock import monotonic
from muster.simulate.calls import Call
from muster.simulate.columns import ColumnMap, read_map
from muster.simulate.dirt import FILE as DIRT
from muster.simulate.doors import DoorRefused, Doors, DoorShut
from muster.simulate.draft import Names, level_of, write_draft
from muster.simulate.engine import Engine, Progress
from muster.simulate.figures import spread
from muster.simulate.ledger import Audit, Ledger
from muster.simulate.open_rows import Told
from muster.simulate.people import SIMULATOR, Accounts
from muster.simulate.play import Habits, new_id
from muster.simulate.recorded import Recorded, Records, read_records
from muster.simulate.refusal import ReplayRefused
from muster.simulate.report import NOTE_EN, NOTE_ZH, RejectedRows, ReplayReport
from muster.simulate.shapes import Account, Entries, Entry
from muster.simulate.words import caller

Speed = Literal["max"] | float
_LEAD_IN: Final = timedelta(minutes=15)
_PAGE: Final = 500


class RunningInstance(Protocol):
    """A fresh instance with its own data folder, started for this replay."""

    @property
    def url(self) -> str: ...

    @property
    def accounts(self) -> Accounts: ...

    def stop(self) -> None: ...


#: (pack folder, where its clock starts, speed: "max" means that requests drive the clock)
Start = Callable[[Path, datetime, Speed], RunningInstance]


@dataclass(frozen=True)
class ReplayOptions:
    """file: recorded calls; map: its column map; work: a folder of the instance's own data, where
    a draft pack is written. city: a pack folder, instead of a draft. day: None plays all."""

    file: Path
    map: Path
    work: Path
    start: Start
    draft: bool = True
    city: Path | None = None
    day: date | None = None
    speed: Speed = "max"
    seed: str = "1"
    progress: Progress | None = None
    reading: Told | None = None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class Script:
    """What will be played, and what was left out."""

    folder: Path
    pack: Pack
    calls: list[Call]
    records: Records
    grouped: int
    columns: ColumnMap


def run(options: ReplayOptions) -> ReplayReport:
    """Blocks until everything that follows from the calls is done.

    Raises ReplayRefused when the file cannot be replayed, geography.faults.PackInvalid when the
    city pack is wrong, doors.DoorShut when the instance is gone.
    """
    script = prepare(options)
    first = script.calls[0].reported_at - _LEAD_IN
    if options.day is not None:
        zone = ZoneInfo(script.pack.city.timezone)
        midnight = datetime.combine(options.day, time_of_day(), zone).astimezone(UTC)
        first = min(first, midnight)
    instance = options.start(script.folder, first, options.speed)
    ledger = Ledger()
    doors = Doors(instance.url, stop=options.stop, ledger=ledger)
    doors.driver = instance.accounts.of(SIMULATOR)
    try:
        return _play(options, script, doors, instance.accounts, first=first)
    finally:
        doors.close()
        instance.stop()


def prepare(options: ReplayOptions) -> Script:
    """Read, choose and check everything, before any instance is started."""
    columns = read_map(options.map)
    records = read_records(options.file, columns, options.map, told=options.reading)
    if not records.calls:
        raise ReplayRefused("calls.none", file=options.file.name, rejected=records.rejected.total())
    chosen = _chosen(options, columns, records)
    if options.draft:
        folder = options.work / "pack"
        names: Names | None = write_draft(records, columns, options.map.name, folder)
    elif options.city is not None:
        folder, names = options.city, None
    else:
        raise ReplayRefused("pack.needed")
    pack = load(folder)
    played, codes = _fitting(chosen, pack, records), as_codes(chosen, columns, names)
    missing = sorted(set(codes.values()) - pack.categories.keys())
    if missing:
        raise ReplayRefused("pack.categories", codes=", ".join(missing), map=options.map.name)
    if not played:
        raise ReplayRefused("calls.none", file=options.file.name, rejected=records.rejected.total())
    calls = [as_call(one, codes, columns, pack, seed=options.seed) for one in played]
    options.work.mkdir(parents=True, exist_ok=True)
    records.dirt.write(options.work / DIRT)
    grouped = sum(one.rows - 1 for one in played)
    return Script(folder, pack, calls, records, grouped, columns)


def _chosen(options: ReplayOptions, columns: ColumnMap, records: Records) -> list[Recorded]:
    if options.day is None:
        return records.calls
    chosen = records.of_day(options.day, columns.about.timezone)
    if not chosen:
        zone = ZoneInfo(columns.about.timezone)
        raise ReplayRefused(
            "day.empty",
            file=options.file.name,
            day=options.day,
            first=records.calls[0].reported_at.astimezone(zone).date(),
            last=records.calls[-1].reported_at.astimezone(zone).date(),
        )
    return chosen


def _fitting(chosen: Sequence[Recorded], pack: Pack, records: Records) -> list[Recorded]:
    """Calls inside the city's box; the others are rejected rows too."""
    west, south, east, north = pack.city.bbox
    inside = [one for one in chosen if west <= one.lon <= east and south <= one.lat <= north]
    if len(inside) < len(chosen):
        kept = {one.number for one in inside}
        outside = [one for one in chosen if one.number not in kept]
        records.leave_out(outside, "place.outside")
    return inside


def as_codes(
    chosen: Iterable[Recorded], columns: ColumnMap, names: Names | None
) -> dict[tuple[str, ...], str]:
    """Category path of the record -> category code of the pack."""
    paths = {one.path for one in chosen}
    if names is not None:
        return {path: names.category(path) for path in paths}
    return {path: columns.category.codes.get(path[-1], path[-1]) for path in paths}


def as_call(
    one: Recorded,
    codes: dict[tuple[str, ...], str],
    columns: ColumnMap,
    pack: Pack,
    *,
    seed: str,
) -> Call:
    dice = random.Random(f"{seed}|{one.number}")
    name, phone = caller(dice)
    words = " / ".join(columns.category.names.get(step, step) for step in one.path)
    return Call(
        id=new_id(dice),
        reported_at=one.reported_at,
        channel=next(iter(pack.channels)),
        category=codes[one.path],
        level=level_of(one.path, columns) or pack.categories[codes[one.path]].level,
        lon=one.lon,
        lat=one.lat,
        label=one.label[:200],
        caller_name=name,
        caller_phone=phone,
        narrative=f"重放的历史警情 {one.number}：{words}"[:1000],
        recorded_arrive_s=one.arrive_s,
    )


def _play(
    options: ReplayOptions, script: Script, doors: Doors, accounts: Accounts, *, first: datetime
) -> ReplayReport:
    driven = options.speed == "max"
    batch = 60.0 if options.speed == "max" else max(10.0, options.speed)
    habits = Habits(batch_every_s=batch)
    if script.columns.area_only:
        # All calls of an area stand at one point: being near tells nothing.
        habits = replace(habits, join_within_m=-1.0)
    engine = Engine(
        doors,
        script.pack,
        accounts,
        seed=options.seed,
        habits=habits,
        first=first if driven else None,
    )
    speed = engine.play.city.clock.speed
    if driven != (speed == 0):
        wanted = " 0" if driven else " > 0"
        raise ReplayRefused("clock.wrong", wanted=wanted, speed=speed)
    engine.begin(first)
    engine.expect(script.calls)
    began = monotonic()
    try:
        if driven:
            engine.play_driven(options.stop, options.progress)
        else:
            engine.play_live(options.stop, drain=True)
    except KeyboardInterrupt:
        options.stop.set()
    except DoorShut:
        # A request that waits for its server ends so when we are told to stop.
        if not options.stop.is_set():
            raise
    interrupted = options.stop.is_set()
    real_s = monotonic() - began
    requests = doors.requests
    doors.stop.clear()
    audit = audited(doors, accounts.of(accounts.duty_chief))
    return _report(
        options,
        script,
        engine,
        audit,
        took=(real_s, requests, interrupted),
    )


def audited(doors: Doors, who: Account) -> Audit:
    """Read back every matter's journal through the door and compare with what was acknowledged."""
    assert doors.ledger is not None

    def read(matter: UUID) -> list[Entry]:
        found: list[Entry] = []
        while True:
            after = found[-1].number if found else 0
            where = f"/api/incidents/{matter}/entries"
            try:
                page = doors.read(who, where, Entries, after=after, limit=_PAGE).entries
            except DoorRefused as error:
                # Acknowledged, and now nobody knows the matter: all of it is lost.
                if error.code != "matter.unknown":
                    raise
                return found
            found.extend(page)
            if len(page) < _PAGE:
                return found

    return doors.ledger.audit(read)


def _report(
    options: ReplayOptions,
    script: Script,
    engine: Engine,
    audit: Audit,
    *,
    took: tuple[float, int, bool],
) -> ReplayReport:
    figures, records = engine.figures, script.records
    real_s, requests, interrupted = took
    count = figures.counted
    reasons, flaws, first = records.rejected, records.dirt.flaws, records.examples
    reported_at = script.columns.reported_at
    return ReplayReport(
        file=options.file.name,
        day=None if options.day is None else options.day.isoformat(),
        speed=str(options.speed),
        seed=options.seed,
        rows=records.rows,
        rejected=RejectedRows(
            reasons.total(), dict(reasons), {reason: first[reason] for reason in reasons}
        ),
        flaws=RejectedRows(flaws.total(), dict(flaws), {reason: first[reason] for reason in flaws}),
        calls_in_file=len(records.calls),
        grouped_in_file=records.grouped,
        place="area" if script.columns.area_only else "point",
        times_zh=reported_at.why_zh,
        times_en=reported_at.why_en,
        grouped=script.grouped,
        calls=count("calls"),
        merged=count("merged"),
        dispatched=count("dispatched"),
        closed=count("closed"),
        left_open=count("calls") - count("merged") - count("closed"),
        acknowledged=audit.acknowledged,
        lost=len(audit.lost),
        doubled=len(audit.doubled),
        reoffered=count("reoffered"),
        unanswered=count("unanswered"),
        returned=count("returned"),
        dispatch_s=figures.spread("dispatch_s"),
        sign_s=figures.spread("sign_s"),
        arrive_s=figures.spread("arrive_s"),
        clear_s=figures.spread("clear_s"),
        recorded_arrive_s=figures.spread("recorded_arrive_s"),
        late_s=spread(engine.play.agenda.late_s),
        refused=figures.refusals(),
        faults=figures.faults(),
        requests=requests,
        real_s=round(real_s, 2),
        calls_per_s=round(count("calls") / real_s, 3) if real_s > 0 else 0.0,
        interrupted=interrupted,
        note_zh=NOTE_ZH,
        note_en=NOTE_EN,
    )
