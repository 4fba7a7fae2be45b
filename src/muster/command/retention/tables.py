"""Clocks, holds, sealings and what went, kept from the journal; and the reports over them.

No row here holds words about people. Whoever may read about keeping sees that a sealed matter
exists and when its clock ends, never what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.command.incidents.facts import IncidentErased
from muster.command.incidents.state import Incident
from muster.command.retention import facts
from muster.command.retention.clocks import clocks, due_of
from muster.command.retention.state import Hold
from muster.geography.pack import Pack
from muster.geography.retention import Schedule
from muster.identity.authority import RETENTION
from muster.identity.reader import Reader
from muster.journal import deadlines
from muster.journal.audit import change
from muster.journal.entry import Entry
from muster.journal.erasing import Erasure, erase
from muster.journal.perform import Change, Keeper, Writer, lock_key

#: Look-ups that go with a class.
_LOOKUPS = {"caller": ("phone",)}

_DUE_GONE = "DELETE FROM retention_due WHERE matter = %s::uuid AND class <> ALL(%s)"
_DUE = """INSERT INTO retention_due (matter, class, number, organisation, level, category, ended_at,
    due_at, status, proposal, proposed_by, sealed)
VALUES (%s::uuid, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (matter, class) DO UPDATE SET number = EXCLUDED.number,
    organisation = EXCLUDED.organisation, level = EXCLUDED.level, category = EXCLUDED.category,
    ended_at = EXCLUDED.ended_at, due_at = EXCLUDED.due_at, status = EXCLUDED.status,
    proposal = EXCLUDED.proposal, proposed_by = EXCLUDED.proposed_by, sealed = EXCLUDED.sealed"""
_HOLD_GONE = "DELETE FROM retention_hold WHERE matter = %s::uuid AND hold = ANY(%s::uuid[])"
_HOLD = """INSERT INTO retention_hold (matter, hold, number, organisation, basis, placed_by,
    placed_at, until) VALUES (%s::uuid, %s::uuid, %s, %s, %s, %s, %s, %s)
ON CONFLICT (matter, hold) DO UPDATE SET organisation = EXCLUDED.organisation"""
_SEALING_GONE = "DELETE FROM retention_sealing WHERE matter = %s::uuid"
_SEALING = """INSERT INTO retention_sealing (matter, number, organisation, basis, sealed_by, since,
    asked_by, hours, open_until) VALUES (%s::uuid, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (matter) DO UPDATE SET organisation = EXCLUDED.organisation,
    asked_by = EXCLUDED.asked_by, hours = EXCLUDED.hours, open_until = EXCLUDED.open_until"""
_GONE = """INSERT INTO retention_gone (matter, entry, class, number, organisation, items, whole,
    gone_at, basis, requested_by, approved_by)
VALUES (%s::uuid, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""


def keepers(pack: Pack) -> tuple[Keeper, ...]:
    """In the order they run: clocks, holds, sealings, what went; the vault and its ledgers last."""

    def keep_clocks(writer: Writer, change: Change) -> None:
        _keep_clocks(pack.retention, writer, change)

    return (
        Keeper("retention_clocks", ("retention_due",), keep_clocks),
        Keeper("retention_holds", ("retention_hold",), _keep_holds),
        Keeper("retention_sealings", ("retention_sealing",), _keep_sealing),
        Keeper("retention_gone", ("retention_gone",), _keep_gone),
        Keeper("erasures", (), _forget),
    )


def _keep_clocks(schedule: Schedule, writer: Writer, change: Change) -> None:
    state: Incident = change.after
    before: Incident | None = change.before
    now = clocks(schedule, state.weighed)
    if not now and (before is None or not clocks(schedule, before.weighed)):
        return
    writer.execute(_DUE_GONE, (change.matter, [clock.of for clock in now]))
    kept = state.retention
    for clock in now:
        proposal = kept.proposal if clock.status == "proposed" else None
        row = (clock.of, state.number, state.organisation, state.level, state.weighed.category)
        asked = (proposal.number, proposal.by) if proposal else (None, None)
        moments = (kept.ended_at, clock.due, clock.status)
        writer.execute(_DUE, (change.matter, *row, *moments, *asked, kept.sealing is not None))


def _keep_holds(writer: Writer, change: Change) -> None:
    state: Incident = change.after
    was: dict[str, Hold] = dict(change.before.retention.holds) if change.before else {}
    now = state.retention.holds
    gone = [hold for hold in was if hold not in now]
    if gone:
        writer.execute(_HOLD_GONE, (change.matter, gone))
    moved = change.before is not None and change.before.organisation != state.organisation
    for hold in now.values():
        if hold.hold not in was or moved:
            named = (change.matter, hold.hold, state.number, state.organisation)
            rest = (hold.basis, hold.placed_by, hold.placed_at, hold.until)
            writer.execute(_HOLD, (*named, *rest))


def _keep_sealing(writer: Writer, change: Change) -> None:
    state: Incident = change.after
    sealing = state.retention.sealing
    if sealing is None:
        if change.before is not None and change.before.retention.sealing is not None:
            writer.execute(_SEALING_GONE, (change.matter,))
        return
    named = (change.matter, state.number, state.organisation)
    placed = (sealing.basis, sealing.by, sealing.since)
    asked = (sealing.asked_by or None, sealing.hours, sealing.open_until)
    writer.execute(_SEALING, (*named, *placed, *asked))


def _keep_gone(writer: Writer, change: Change) -> None:
    state: Incident = change.after
    for entry in change.entries:
        if not isinstance(entry.fact, facts.Erased):
            continue
        fact = entry.fact
        of_items = {item.of for item in fact.items}
        for name in sorted(of_items | set(fact.classes)):
            count = sum(item.of == name for item in fact.items)
            named = (change.matter, entry.number, name, state.number, state.organisation)
            how = (count, fact.whole, entry.recorded_at, fact.basis)
            writer.execute(_GONE, (*named, *how, fact.requested_by, fact.approved_by))


def _forget(writer: Writer, change: Change) -> None:
    """What was erased goes from the vault; the ledgers remember that."""
    for entry in change.entries:
        for gone in (*erasures_of(change.matter, entry), *corrections_of(change.matter, entry)):
            erase(writer, gone)


def corrections_of(matter: str, entry: Entry) -> Iterator[Erasure]:
    """What a correction takes away: the words that were wrong. Look-ups go with the fact."""
    fact = entry.fact
    if isinstance(fact, facts.CallerCorrected) and fact.items:
        yield Erasure(
            matter=matter,
            number=entry.number,
            items=tuple(one.item for one in fact.items),
            erased_at=entry.recorded_at,
            actor=entry.actor,
            reason=fact.basis,
        )


def erasures_of(matter: str, entry: Entry) -> Iterator[Erasure]:
    """What an entry takes away. `incident.erased` is how release 0.1.0 said it."""
    at, actor, fact = entry.recorded_at, entry.actor, entry.fact
    if isinstance(fact, IncidentErased) or (isinstance(fact, facts.Erased) and fact.whole):
        yield Erasure(matter=matter, erased_at=at, actor=actor, reason=fact.basis)
    elif isinstance(fact, facts.Erased):
        yield Erasure(
            matter=matter,
            number=entry.number,
            items=tuple(item.item for item in fact.items),
            lookups=tuple(kind for name in fact.classes for kind in _LOOKUPS.get(name, ())),
            erased_at=at,
            actor=actor,
            reason=fact.basis,
        )


# --- reports -----------------------------------------------------------------------------------

STATUSES: Final = ("running", "review", "proposed", "held", "permanent")


class DueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One class of one matter. `due_at` None: permanent. `proposal`: the entry to agree to."""

    matter: str
    of: str
    number: str
    organisation: str
    level: int
    category: str
    ended_at: datetime
    due_at: datetime | None
    status: str
    proposal: int | None
    proposed_by: str | None
    sealed: bool


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Filters. `until`: due by then; without it everything with a clock. `after`: due, matter and
    class of the last row before."""

    until: datetime | None = None
    classes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    after: tuple[datetime, str, str] | None = None
    limit: int = 200


class DueCounts(msgspec.Struct, frozen=True):
    """The same rows counted; `by_month`: year and month (UTC) in which they are due."""

    total: int
    by_class: dict[str, int]
    by_status: dict[str, int]
    by_month: dict[str, int]
    by_organisation: dict[str, int]


_DUE_ROW = (
    "d.matter::text, d.class, d.number, d.organisation, d.level, d.category, d.ended_at, d.due_at,"
    " d.status, d.proposal, d.proposed_by, d.sealed"
)


def _tests(reader: Reader, sought: Sought) -> tuple[str, list[Any]]:
    seen, values = reader.reach_sql(RETENTION, "d.matter")
    tests, more = [seen], list(values)
    if sought.until is not None:
        tests.append("d.due_at <= %s")
        more.append(sought.until)
    for test, wanted in (
        ("d.class = ANY(%s)", sought.classes),
        ("d.status = ANY(%s)", sought.statuses or STATUSES[:-1]),
        ("d.organisation = ANY(%s)", sought.organisations),
    ):
        if wanted:
            tests.append(test)
            more.append(list(wanted))
    return " AND ".join(tests), more


def due(reader: Reader, sought: Sought) -> list[DueRow]:
    """What will go, the soonest first; permanent ones last and only when asked for."""
    tests, values = _tests(reader, sought)
    if sought.after is not None:
        tests += " AND (coalesce(d.due_at, 'infinity'), d.matter, d.class) > (%s, %s::uuid, %s)"
        values += list(sought.after)
    rows = reader.connection.execute(
        f"SELECT {_DUE_ROW} FROM retention_due d WHERE {tests}"
        " ORDER BY coalesce(d.due_at, 'infinity'), d.matter, d.class LIMIT %s".encode(),
        [*values, sought.limit],
    ).fetchall()
    return [
        DueRow(
            matter=row[0],
            of=row[1],
            number=row[2],
            organisation=row[3],
            level=row[4],
            category=row[5],
            ended_at=row[6],
            due_at=row[7],
            status=row[8],
            proposal=row[9],
            proposed_by=row[10],
            sealed=row[11],
        )
        for row in rows
    ]


def due_counts(reader: Reader, sought: Sought) -> DueCounts:
    """Counts over all pages of `due`."""
    tests, values = _tests(reader, sought)
    rows = reader.connection.execute(
        "SELECT d.class, d.status, coalesce(to_char(d.due_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''),"
        f" d.organisation, count(*) FROM retention_due d WHERE {tests}"
        " GROUP BY 1, 2, 3, 4".encode(),
        values,
    ).fetchall()
    counted: list[dict[str, int]] = [{}, {}, {}, {}]
    for *keys, count in rows:
        for place, key in zip(counted, keys, strict=True):
            place[key] = place.get(key, 0) + count
    by_class, by_status, by_month, by_organisation = (dict(sorted(one.items())) for one in counted)
    return DueCounts(sum(by_class.values()), by_class, by_status, by_month, by_organisation)


class GoneRow(msgspec.Struct, frozen=True, kw_only=True):
    """One class of one matter that went: how many items, by whose request and whose agreement."""

    matter: str
    entry: int
    of: str
    number: str
    organisation: str
    items: int
    whole: bool
    gone_at: datetime
    basis: str
    requested_by: str
    approved_by: str


class RunRow(msgspec.Struct, frozen=True):
    """What went by itself on one day of the clock. `kept_from`: older ones went."""

    day: date
    of: str
    ran_at: datetime
    count: int
    kept_from: datetime | None


def gone(
    reader: Reader,
    since: datetime,
    until: datetime,
    *,
    after: tuple[datetime, str, int, str] | None = None,
    limit: int = 200,
) -> list[GoneRow]:
    """What went in a span, the oldest first."""
    seen, values = reader.reach_sql(RETENTION, "g.matter")
    tests = f"{seen} AND g.gone_at >= %s AND g.gone_at < %s"
    values += [since, until]
    if after is not None:
        tests += " AND (g.gone_at, g.matter, g.entry, g.class) > (%s, %s::uuid, %s, %s)"
        values += list(after)
    rows = reader.connection.execute(
        "SELECT matter::text, entry, class, number, organisation, items, whole, gone_at, basis,"
        f" requested_by, approved_by FROM retention_gone g WHERE {tests}"
        " ORDER BY gone_at, g.matter, entry, class LIMIT %s".encode(),
        [*values, limit],
    ).fetchall()
    return [_gone_row(row) for row in rows]


def _gone_row(row: Sequence[Any]) -> GoneRow:
    return GoneRow(
        matter=row[0],
        entry=row[1],
        of=row[2],
        number=row[3],
        organisation=row[4],
        items=row[5],
        whole=row[6],
        gone_at=row[7],
        basis=row[8],
        requested_by=row[9],
        approved_by=row[10],
    )


def runs(connection: Connection[Any], since: datetime, until: datetime) -> list[RunRow]:
    """What went by itself in a span, the oldest first."""
    rows = connection.execute(
        "SELECT day, class, ran_at, count, kept_from FROM retention_run"
        " WHERE ran_at >= %s AND ran_at < %s ORDER BY day, class LIMIT 10000",
        (since, until),
    ).fetchall()
    return [RunRow(*row) for row in rows]


class HoldRow(msgspec.Struct, frozen=True):
    """法律冻结."""

    matter: str
    hold: str
    number: str
    organisation: str
    basis: str
    placed_by: str
    placed_at: datetime
    until: datetime | None


class SealingRow(msgspec.Struct, frozen=True):
    """封存. `asked_by` with `hours`: somebody waits for a second person."""

    matter: str
    number: str
    organisation: str
    basis: str
    sealed_by: str
    since: datetime
    asked_by: str | None
    hours: int | None
    open_until: datetime | None


def holds(reader: Reader) -> list[HoldRow]:
    """The holds there are, the latest first."""
    seen, values = reader.reach_sql(RETENTION, "h.matter")
    rows = reader.connection.execute(
        "SELECT matter::text, hold::text, number, organisation, basis, placed_by, placed_at, until"
        f" FROM retention_hold h WHERE {seen} ORDER BY placed_at DESC, hold LIMIT 1000".encode(),
        values,
    ).fetchall()
    return [HoldRow(*row) for row in rows]


def sealings(reader: Reader) -> list[SealingRow]:
    """The sealed matters, those that wait for a second person first."""
    seen, values = reader.reach_sql(RETENTION, "s.matter")
    rows = reader.connection.execute(
        "SELECT matter::text, number, organisation, basis, sealed_by, since, asked_by, hours,"
        f" open_until FROM retention_sealing s WHERE {seen}"
        " ORDER BY asked_by IS NULL, since DESC, matter LIMIT 1000".encode(),
        values,
    ).fetchall()
    return [SealingRow(*row) for row in rows]


# --- another schedule ----------------------------------------------------------------------------


def schedule_kept(connection: Connection[Any]) -> str:
    """The version of the city's table the clocks follow; empty before the first."""
    row = connection.execute("SELECT version FROM retention_schedule").fetchone()
    return str(row[0]) if row else ""


def keep_schedule(connection: Connection[Any], version: str, now: datetime) -> None:
    """Write down that the clocks follow this version from now on, with an audit row."""
    values = {"version": version, "since": now}
    change(
        connection,
        "retention_schedule",
        {"one": True},
        values,
        actor="system:clock",
        reason="another schedule",
    )


def over_matters(connection: Connection[Any]) -> list[str]:
    """Matters that are over and not erased."""
    rows = connection.execute(
        "SELECT matter::text FROM incident WHERE NOT open AND NOT erased ORDER BY matter"
    ).fetchall()
    return [row[0] for row in rows]


def lock(connection: Connection[Any], name: str) -> None:
    """As every command locks its matters, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(name),))


def keep_again(writer: Writer, schedule: Schedule, matter: str, state: Incident) -> None:
    """The clocks and deadlines of one matter, as this schedule has them."""
    writer.execute("DELETE FROM retention_due WHERE matter = %s::uuid", (matter,))
    _keep_clocks(schedule, writer, Change(matter, None, state, ()))
    writer.execute(
        "DELETE FROM deadline WHERE matter = %s::uuid AND starts_with(name, 'retention')", (matter,)
    )
    deadlines.keep(writer, matter, {}, due_of(schedule, state.weighed))


# --- what goes by itself -------------------------------------------------------------------------


def ran(connection: Connection[Any], day: date) -> bool:
    """Whether the run of a day was done."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM retention_run WHERE day = %s)", (day,)
    ).fetchone()
    return bool(row and row[0])


def add_run(
    connection: Connection[Any], key: tuple[date, str], at: datetime, count: int, kept: datetime
) -> None:
    """Write down that what is older than `kept` went, with an audit row."""
    day, code = key
    change(
        connection,
        "retention_run",
        {"day": day, "class": code},
        {"ran_at": at, "count": count, "kept_from": kept},
        actor="system:clock",
        reason="retention",
    )


class Figures(msgspec.Struct, frozen=True):
    """class -> what -> how many: rows by status of their clock, `erased` items, `went` alone."""

    classes: dict[str, dict[str, int]]


def figures(connection: Connection[Any]) -> Figures:
    """The report of the whole city in numbers."""
    rows = connection.execute(
        "SELECT class, status, count(*) FROM retention_due GROUP BY 1, 2"
        " UNION ALL SELECT class, 'erased', sum(items) FROM retention_gone GROUP BY 1"
        " UNION ALL SELECT class, 'went', sum(count) FROM retention_run GROUP BY 1 ORDER BY 1, 2"
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for code, what, count in rows:
        found.setdefault(code, {})[what] = int(count)
    return Figures(found)
