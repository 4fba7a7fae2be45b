"""保存: what will go, what went, what is held and sealed, and the certificates."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from muster.api.command import MatterId, OperationRoutes, OrganisationId, checked_uuid
from muster.api.html_page import HtmlPage
from muster.api.opening import OPENS, TRACKS, disclosed, opening, reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.spreadsheet import harmless
from muster.command.incidents.inputs import Because, Nothing
from muster.command.incidents.state import Incident
from muster.command.retention import inputs, tables, view
from muster.command.retention.certificate import Certificate, Said, certificate
from muster.command.retention.printed import printed
from muster.command.retention.state import Track
from muster.command.retention.tables import STATUSES, Sought
from muster.geography.retention import CODES, RetentionClass
from muster.identity.authority import RETENTION, least, suffices_at
from muster.identity.people import names_of
from muster.identity.reader import Reader
from muster.journal.context import Actor
from muster.journal.entry import Authority, Entry, Private, decode
from muster.journal.refusal import Refused
from muster.telemetry.track import TrackPosition, positions_of, read_track
from muster.telemetry.tracks import chained

ClassCode = Literal[
    "caller",
    "narrative",
    "place",
    "recordings",
    "decision",
    "positions",
    "sessions",
    "attempts",
    "telephone",
    "access_log",
    "audit",
]
Status = Literal["running", "review", "proposed", "held", "permanent"]
Moment = Annotated[datetime | None, Parameter()]
LOOKS = "retention.read"
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
MOST_ROWS = 100_000


class ClassList(msgspec.Struct, frozen=True):
    """The city's table. `version`: of the table; facts name it."""

    version: str
    items: list[RetentionClass]


class DuePage(msgspec.Struct, frozen=True):
    """The soonest first. `next` goes into `after`; `counts` are over all pages; `names`: of the
    people in the rows, by id."""

    items: list[tables.DueRow]
    names: dict[str, str]
    counts: tables.DueCounts
    next: str | None


class GonePage(msgspec.Struct, frozen=True):
    """The oldest first. `runs`: what went by itself in the same span."""

    items: list[tables.GoneRow]
    names: dict[str, str]
    runs: list[tables.RunRow]
    next: str | None


class Holds(msgspec.Struct, frozen=True):
    items: list[tables.HoldRow]
    names: dict[str, str]


class Sealings(msgspec.Struct, frozen=True):
    items: list[tables.SealingRow]
    names: dict[str, str]


class Keeping(msgspec.Struct, frozen=True):
    """One matter's keeping, also of a sealed one, without its content. `may`: of this session."""

    matter: str
    number: str
    retention: view.RetentionView
    names: dict[str, str]
    may: list[str]


def _names(reader: Reader, people: Sequence[str | None]) -> dict[str, str]:
    return dict(names_of(reader.connection, {one for one in people if one}))


def _moment(value: datetime | None, name: str) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None or not 1990 <= value.year <= 2100:
        raise Refused("input.invalid", path=name, reason="date")
    return value.astimezone(UTC)


def _cursor(text: str | None, parts: int) -> list[str] | None:
    if text is None:
        return None
    found = text.split(",")
    if len(found) != parts:
        raise Refused("cursor.invalid")
    return found


def _at(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refused("cursor.invalid") from None
    if moment.tzinfo is None:
        raise Refused("cursor.invalid")
    return moment


@get(
    "/api/retention/classes",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_retention_classes",
    summary="保存期限: how long each class is kept, and why",
)
def list_classes(platform: Platform, actor: Actor) -> ClassList:
    with platform.reader(actor) as reader:
        _allowed(reader)
    schedule = platform.pack.retention
    return ClassList(schedule.version, list(schedule.classes.values()))


def _allowed(reader: Reader) -> Authority:
    """The authority under which somebody reads about keeping. Raises authority.denied."""
    grant = least(
        (one for one in reader.scope.grants if suffices_at(one, RETENTION, None)), RETENTION
    )
    if grant is None:
        raise Refused("authority.denied", operation=RETENTION)
    return Authority(grant.role, grant.organisation)


def _disclosed(platform: RunningPlatform, reader: Reader, count: int, subject: str) -> None:
    who = _allowed(reader)
    disclosed(platform, reader.actor, who, LOOKS, count=count, subject=subject)


def retention_filter(
    until: Moment = None,
    of: Annotated[list[ClassCode] | None, Parameter(query="class", max_items=10)] = None,
    status: Annotated[list[Status] | None, Parameter(max_items=5)] = None,
    organisation: Annotated[list[OrganisationId] | None, Parameter(max_items=50)] = None,
) -> Sought:
    """The dependency that reads the report's filters."""
    return Sought(
        until=_moment(until, "until"),
        classes=tuple(of or ()),
        statuses=tuple(status or ()),
        organisations=tuple(organisation or ()),
    )


@get(
    "/api/retention/due",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_retention_due",
    summary="到期: what will go, the soonest first",
)
def list_due(
    platform: Platform,
    actor: Actor,
    sought: Sought,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 200,
    after: Annotated[str | None, Parameter(max_length=120)] = None,
) -> DuePage:
    parts = _cursor(after, 3)
    start = (_at(parts[0]), checked_uuid(parts[1]), parts[2][:20]) if parts else None
    sought = msgspec.structs.replace(sought, after=start, limit=limit)
    with platform.reader(actor) as reader:
        rows = tables.due(reader, sought)
        counts = tables.due_counts(reader, sought)
        names = _names(reader, [row.proposed_by for row in rows])
    last = rows[-1] if len(rows) == limit else None
    more = last and last.due_at and f"{last.due_at.isoformat()},{last.matter},{last.of}"
    return DuePage(rows, names, counts, more or None)


def _csv(name: str, kind: type[msgspec.Struct], rows: Sequence[Any]) -> Response[str]:
    """With the mark that lets spreadsheets see it is UTF-8; no cell begins as a formula."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(kind.__struct_fields__)
    for row in rows:
        out.writerow([harmless(cell) for cell in msgspec.structs.astuple(row)])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(
        f"\ufeff{text.getvalue()}",
        media_type="text/csv; charset=utf-8",
        headers=headers,
    )


@get(
    "/api/retention/due.csv",
    sync_to_thread=True,
    opt=reads(LOOKS),
    operation_id="export_retention_due",
    summary="到期（CSV）: what will go, as a table",
)
def export_due(platform: Platform, actor: Actor, sought: Sought) -> Response[str]:
    with platform.reader(actor) as reader:
        rows = tables.due(reader, msgspec.structs.replace(sought, limit=MOST_ROWS))
        _disclosed(platform, reader, len(rows), "due.csv")
    return _csv("retention-due.csv", tables.DueRow, rows)


def _span(
    platform: RunningPlatform, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    begin = _moment(since, "since") or LONG_AGO
    return begin, _moment(until, "until") or platform.clock.now() + timedelta(days=1)


@get(
    "/api/retention/gone",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_retention_gone",
    summary="已擦除: what went, and what went by itself",
)
def list_gone(
    platform: Platform,
    actor: Actor,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 200,
    after: Annotated[str | None, Parameter(max_length=140)] = None,
) -> GonePage:
    begin, end = _span(platform, since, until)
    parts = _cursor(after, 4)
    start = None
    if parts is not None:
        if not parts[2].isdigit() or len(parts[2]) > 9:
            raise Refused("cursor.invalid")
        start = _at(parts[0]), checked_uuid(parts[1]), int(parts[2]), parts[3][:20]
    with platform.reader(actor) as reader:
        rows = tables.gone(reader, begin, end, after=start, limit=limit)
        runs = tables.runs(reader.connection, begin, end) if parts is None else []
        who = [one for row in rows for one in (row.requested_by, row.approved_by)]
        names = _names(reader, who)
    last = rows[-1] if len(rows) == limit else None
    more = last and f"{last.gone_at.isoformat()},{last.matter},{last.entry},{last.of}"
    return GonePage(rows, names, runs, more or None)


@get(
    "/api/retention/gone.csv",
    sync_to_thread=True,
    opt=reads(LOOKS),
    operation_id="export_retention_gone",
    summary="已擦除（CSV）: what went, as a table",
)
def export_gone(
    platform: Platform, actor: Actor, since: Moment = None, until: Moment = None
) -> Response[str]:
    begin, end = _span(platform, since, until)
    with platform.reader(actor) as reader:
        rows = tables.gone(reader, begin, end, limit=MOST_ROWS)
        _disclosed(platform, reader, len(rows), "gone.csv")
    return _csv("retention-gone.csv", tables.GoneRow, rows)


@get(
    "/api/retention/holds",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_holds",
    summary="法律冻结: the holds there are",
)
def list_holds(platform: Platform, actor: Actor) -> Holds:
    with platform.reader(actor) as reader:
        rows = tables.holds(reader)
        return Holds(rows, _names(reader, [row.placed_by for row in rows]))


@get(
    "/api/retention/sealings",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_sealings",
    summary="封存: the sealed records, without their content",
)
def list_sealings(platform: Platform, actor: Actor) -> Sealings:
    with platform.reader(actor) as reader:
        rows = tables.sealings(reader)
        who = [one for row in rows for one in (row.sealed_by, row.asked_by)]
        return Sealings(rows, _names(reader, who))


@get(
    "/api/retention/matters/{matter:str}",
    sync_to_thread=True,
    opt=reads(OPENS),
    operation_id="get_keeping",
    summary="一事的保存: clocks, holds, proposal and sealing of one matter",
)
def get_keeping(platform: Platform, actor: Actor, matter: MatterId) -> Keeping:
    known = checked_uuid(matter)
    with platform.reader(actor) as reader:
        _allowed(reader)
        if not reader.may_see(known):
            return _unseen(platform, reader, known)
    with opening(platform, actor, known) as found:
        entries = found.matter.entries
        opened = found.reader.open([(known, one) for one in view.reasons(entries)])
        shown = {key: found.matter.eyes.see("because", text) for key, text in opened.items()}
        return _keeping(platform, found.reader, found.matter.state, entries, shown)


class KeptTrack(msgspec.Struct, frozen=True):
    """A unit's positions during its order, as kept. `whole`: the minute segments that prove them
    are those of the chain."""

    kept: Track
    whole: bool
    positions: list[TrackPosition]


@get(
    "/api/retention/matters/{matter:str}/tracks/{number:int}",
    sync_to_thread=True,
    opt=reads(TRACKS),
    operation_id="get_track",
    summary="轨迹: a unit's track that was kept as evidence",
)
def get_track(
    platform: Platform,
    actor: Actor,
    matter: MatterId,
    number: Annotated[int, Parameter(ge=1, le=10_000_000, description="the entry that keeps it")],
) -> KeptTrack:
    """For whoever may read about keeping, and for the crew whose track it is."""
    known = checked_uuid(matter)
    with opening(platform, actor, known, TRACKS) as found:
        kept = {one.number: one for one in found.matter.state.retention.tracks}.get(number)
        own = kept and actor.person in found.matter.state.orders[kept.order].crew
        if not own and not found.reader.scope.allows(RETENTION, found.reader.access(known)):
            raise Refused("authority.denied", operation=RETENTION)
        opened = found.reader.open([(known, Private(item=f"{number}.track"))] if kept else [])
        if kept is None or not opened:
            raise Refused("track.unknown")
        track = read_track(next(iter(opened.values())))
        return KeptTrack(kept, chained(found.reader.connection, track), positions_of(track))


def _unseen(platform: RunningPlatform, reader: Reader, matter: str) -> Keeping:
    """Of a sealed matter: when, by whom, on which basis, and never why in words."""
    stored = reader.stored(matter)
    entries = [decode(data, platform.kinds, hashed.hex()) for _, data, hashed in stored]
    _disclosed(platform, reader, len(entries), f"matter:{matter}")
    return _keeping(platform, reader, platform.journal.fold(entries), entries, {})


def _keeping(
    platform: RunningPlatform,
    reader: Reader,
    state: Incident,
    entries: Sequence[Entry],
    opened: Mapping[tuple[str, str], str | None],
) -> Keeping:
    matter = entries[0].matter
    shown = view.view(platform.pack.retention, state, entries, opened)
    who = [one.placed_by for one in shown.holds]
    who += [*(one.by for one in shown.corrections), *(one.by for one in shown.tracks)]
    who += [shown.unsealing_asked_by or "", shown.proposal.by if shown.proposal else ""]
    names = _names(reader, who)
    return Keeping(matter, state.number, shown, names, sorted(_may(reader, matter)))


def _may(reader: Reader, matter: str) -> set[str]:
    access = reader.access(matter)
    names = {f"retention.{word}" for word, _, _ in OPERATIONS}
    return {name for name in names if reader.scope.allows(name, access)}


def _certificate(platform: RunningPlatform, reader: Reader, matter: str) -> Certificate:
    city = (platform.pack.city.name_zh, platform.pack.city.name_en)
    _allowed(reader)
    known, said = checked_uuid(matter), Said(platform.clock.now(), city, platform.checkpoints)
    found = certificate(reader, platform.kinds, known, said)
    _disclosed(platform, reader, len(found.erasures), f"certificate:{known}")
    return found


@get(
    "/api/retention/certificates/{matter:str}",
    sync_to_thread=True,
    opt=reads(LOOKS),
    operation_id="get_certificate",
    summary="擦除证明: what of a matter was erased, and the proof",
)
def get_certificate(platform: Platform, actor: Actor, matter: MatterId) -> Certificate:
    with platform.reader(actor) as reader:
        return _certificate(platform, reader, matter)


@get(
    "/api/retention/certificates/{matter:str}/page",
    sync_to_thread=True,
    opt=reads(LOOKS),
    operation_id="print_certificate",
    summary="擦除证明（打印）: the same as a page to print",
)
def print_certificate(platform: Platform, actor: Actor, matter: MatterId) -> Response[HtmlPage]:
    with platform.reader(actor) as reader:
        held = _certificate(platform, reader, matter)
        names = names_of(reader.connection, {step.actor for step in held.steps})
    page = printed(held, platform.pack.retention, names)
    return Response(HtmlPage(page), media_type="text/html; charset=utf-8")


#: Where the second person says yes, there is a fresh proof of who that is.
SECOND_PERSONS: Final = ("approve_erasure", "approve_unsealing")
#: path word -> (input, what it is)
OPERATIONS: tuple[tuple[str, type[msgspec.Struct], str], ...] = (
    ("place_hold", inputs.PlaceHold, "冻结: nothing may go until it is lifted"),
    ("lift_hold", inputs.LiftHold, "解除冻结: by somebody else than who placed it"),
    ("keep_longer", inputs.KeepLonger, "续存: keep classes until a later day"),
    ("propose_erasure", inputs.ProposeErasure, "提请擦除: propose that classes go"),
    ("decline_erasure", Because, "不同意擦除: decline a proposal"),
    ("approve_erasure", inputs.ApproveErasure, "同意擦除: agree as the second person; it goes"),
    ("seal", inputs.Seal, "封存: hide the record"),
    ("ask_unsealing", inputs.AskUnsealing, "申请启封: ask to open a sealed record"),
    ("approve_unsealing", Nothing, "同意启封: agree as the second person"),
    ("restrict", inputs.Seal, "限制处理: keep it and do not use it"),
    ("lift_restriction", Because, "解除限制: it may be used again"),
    ("correct_caller", inputs.CorrectCaller, "更正: correct what is held about the caller"),
    ("keep_track", inputs.KeepTrack, "保存轨迹: keep a unit's track during its order as evidence"),
)
OF_MATTERS: Final = OperationRoutes(
    __name__, "/api/retention/matters", "retention", SECOND_PERSONS, {"keep_track": TRACKS}
)

ROUTES: tuple[Any, ...] = (
    list_classes,
    list_due,
    export_due,
    list_gone,
    export_gone,
    list_holds,
    list_sealings,
    get_keeping,
    get_certificate,
    print_certificate,
    get_track,
    *(OF_MATTERS.route(*row) for row in OPERATIONS),
)

assert get_args(ClassCode) == CODES
assert get_args(Status) == STATUSES
