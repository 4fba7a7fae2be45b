"""Incidents: the doors of `command`. A route parses, calls, renders."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter, SkipValidation

from muster.action.choose_units.rank import Candidate
from muster.action.orders.decide import FROM, Step
from muster.api.opening import OPENS, UNMASKS, OnDesk, as_seen, opening, reads, unmasking
from muster.api.platform import Platform, RunningPlatform
from muster.api.session import PROVE
from muster.command.dispatch.nearest import Scene, candidates
from muster.command.incidents import inputs, tables, view
from muster.command.incidents.possible import possible
from muster.command.incidents.state import STATES
from muster.command.incidents.tables import IncidentRow, Wanted
from muster.command.retention.view import view as kept_view
from muster.geography.cells import cell
from muster.geography.distance import haversine
from muster.identity.people import names_of
from muster.identity.reader import Reader
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.perform import Answer, Asked, EntryRef
from muster.journal.refusal import Refused

UUID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"
MatterId = Annotated[
    str, Parameter(pattern=UUID_PATTERN, max_length=36, description="matter id, a UUID")
]
OrderId = Annotated[
    str, Parameter(pattern=UUID_PATTERN, max_length=36, description="order id, a UUID")
]
CommandId = Annotated[
    str,
    Parameter(
        header="Idempotency-Key",
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z",
        max_length=36,
        description="the command id, a UUID; the same one when retrying",
    ),
]
ClientNow = Annotated[
    datetime | None,
    Parameter(header="Client-Now", description="the client's clock, to measure its offset"),
]
DISPATCH = "incident.dispatch"
NEAR_M = 300
NEAR_S = 1800


class IncidentPage(msgspec.Struct, frozen=True):
    """Newest first. `next` goes into `before` for the following page."""

    items: list[IncidentRow]
    next: str | None


class EntryPage(msgspec.Struct, frozen=True):
    entries: list[view.EntryView]


class Recommendations(msgspec.Struct, frozen=True):
    candidates: list[Candidate]


class Duplicate(msgspec.Struct, frozen=True):
    """An open matter near in place and time. `age_s`: seconds between the two reports."""

    incident: IncidentRow
    distance_m: int
    age_s: int


class Duplicates(msgspec.Struct, frozen=True):
    items: list[Duplicate]


class Reported(msgspec.Struct, frozen=True):
    """The answer to a report, with the number given to the call (接警单编号)."""

    command: str
    matter: str
    entries: tuple[EntryRef, ...]
    recorded_at: datetime
    number: str


def checked_uuid(text: str) -> str:
    """The canonical form of a UUID. Raises Refused for anything else."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Refused("input.invalid", path="id", reason="uuid") from None


@dataclass(frozen=True)
class SignedCommand:
    """A signed-in person with a command id: what every operation needs."""

    platform: RunningPlatform
    actor: Actor
    command: str
    clock_offset_ms: int

    def run(self, name: str, matter: str, data: Any) -> Answer:
        """Perform one operation. Raises Refused, Conflict."""
        asked = Asked(
            operation=self.platform.operations[name],
            actor=self.actor,
            matter=checked_uuid(matter),
            input=data,
            command=self.command,
            clock_offset_ms=self.clock_offset_ms,
        )
        return self.platform.journal.perform(asked)


#: What operations' routes take as `commander`. It is ours and needs no validation.
Commander = SkipValidation[SignedCommand]


def commander(
    platform: Platform, actor: Actor, command_id: CommandId, client_now: ClientNow = None
) -> SignedCommand:
    """The dependency of every operation's route."""
    offset = 0
    if client_now is not None and client_now.tzinfo is not None:
        seconds = (client_now - platform.clock.now()).total_seconds()
        offset = round(max(-1e6, min(1e6, seconds)) * 1000)
    return SignedCommand(platform, actor, checked_uuid(command_id), offset)


@post("/api/incidents", sync_to_thread=True, operation_id="report", summary="接警: open a matter")
def report(commander: Commander, data: inputs.Report) -> Reported:
    """An id that cannot be used (`matter.unusable`) is replaced by a fresh one, and sent again
    with a fresh command id."""
    try:
        answer = commander.run("incident.report", data.id, data)
    except Refused as refused:
        raise as_seen(commander.platform, commander.actor, data.id, refused) from None
    with commander.platform.pool.connection() as connection:
        number = tables.number_of(connection, answer.matter)
    return Reported(answer.command, answer.matter, answer.entries, answer.recorded_at, number)


State = Literal[
    "received",
    "waiting",
    "dispatched",
    "signed",
    "under_way",
    "on_scene",
    "handling",
    "reported",
    "closed",
    "called_back",
    "archived",
    "merged",
    "cancelled",
]
LevelCode = Literal[1, 2, 3, 4]
OrganisationId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]
#: No control characters: the database takes no NUL.
WORDS = r"^[^\x00-\x1f\x7f]{0,64}\Z"


def incident_filter(
    states: Annotated[list[State] | None, Parameter(query="state", max_items=20)] = None,
    level: Annotated[list[LevelCode] | None, Parameter(max_items=4)] = None,
    organisation: Annotated[list[OrganisationId] | None, Parameter(max_items=50)] = None,
    q: Annotated[str, Parameter(pattern=WORDS, description="part of the number")] = "",
) -> Wanted:
    """The dependency that reads a list's filters."""
    return Wanted(
        states=tuple(states or ()),
        levels=tuple(level or ()),
        organisations=tuple(organisation or ()),
        number=q,
    )


@get(
    "/api/incidents",
    sync_to_thread=True,
    opt=reads("list", scope="read:incidents"),
    operation_id="list_incidents",
    summary="警情列表: incidents one may see, newest first",
)
def list_incidents(
    platform: Platform,
    actor: Actor,
    wanted: Wanted,
    which: Annotated[Literal["open", "all"], Parameter(query="scope")] = "open",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 200,
    before: Annotated[str | None, Parameter(max_length=80)] = None,
) -> IncidentPage:
    wanted = msgspec.structs.replace(
        wanted, open_only=which == "open", before=_before(before), limit=limit
    )
    with platform.reader(actor) as reader:
        rows = tables.rows(reader, wanted)
    more = len(rows) == limit
    last = f"{rows[-1].recorded_at.isoformat()},{rows[-1].id}" if more else None
    return IncidentPage(rows, last)


def _before(text: str | None) -> tuple[datetime, str] | None:
    if text is None:
        return None
    at, _, matter = text.partition(",")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        raise Refused("cursor.invalid") from None
    if moment.tzinfo is None or not 1990 <= moment.year <= 2100:
        raise Refused("cursor.invalid")
    return moment.astimezone(UTC), checked_uuid(matter)


@get(
    "/api/incidents/{matter:str}",
    sync_to_thread=True,
    opt=reads(OPENS),
    operation_id="get_incident",
    summary="警情: one incident, and what may be done with it",
)
def get_incident(platform: Platform, actor: Actor, matter: MatterId) -> view.IncidentDetail:
    with opening(platform, actor, checked_uuid(matter)) as found:
        return _detail(platform, found)


def _detail(platform: RunningPlatform, found: OnDesk) -> view.IncidentDetail:
    may = possible(found.matter.state) & found.reader.may(found.matter.row.id)
    kept = kept_view(platform.pack.retention, found.matter.state)
    return view.detail(found.reader, found.matter, kept, sorted(may))


class Unmask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`purpose`: free words for the access log, as short as one likes. The reason itself is
    derived from the work at hand."""

    purpose: Annotated[str, msgspec.Meta(max_length=200)] = ""


@post(
    "/api/incidents/{matter:str}/unmask",
    sync_to_thread=True,
    status_code=200,
    opt=reads(UNMASKS),
    operation_id="unmask",
    summary="显示个人信息: show who called, for a quarter of an hour; recorded",
)
def unmask(platform: Platform, actor: Actor, matter: MatterId, data: Unmask) -> view.IncidentDetail:
    """For roles that may see people and have no work at hand here: without asking they see them
    masked. Other doors show them too for the next quarter of an hour, in this session."""
    check_input(data)
    with unmasking(platform, actor, checked_uuid(matter), data.purpose) as found:
        return _detail(platform, found)


@get(
    "/api/incidents/{matter:str}/entries",
    sync_to_thread=True,
    opt=reads(OPENS),
    operation_id="get_entries",
    summary="日志: the incident's timeline",
)
def get_entries(
    platform: Platform,
    actor: Actor,
    matter: MatterId,
    after: Annotated[int, Parameter(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=5000)] = 1000,
) -> EntryPage:
    with opening(platform, actor, checked_uuid(matter)) as found:
        page = [entry for entry in found.matter.entries if entry.number > after][:limit]
        names = names_of(found.reader.connection, {entry.actor for entry in page})
        return EntryPage(view.timeline(found.reader, found.matter.eyes, page, names))


@get(
    "/api/incidents/{matter:str}/recommendations",
    sync_to_thread=True,
    opt=reads(OPENS),
    operation_id="recommend_units",
    summary="推荐警力: nearest suitable units, with reasons",
)
def recommend_units(
    platform: Platform,
    actor: Actor,
    matter: MatterId,
    limit: Annotated[int, Parameter(ge=1, le=50)] = 10,
) -> Recommendations:
    """For whoever may send units to it: the units that person may send."""
    with opening(platform, actor, checked_uuid(matter)) as opened:
        row, reader = opened.matter.row, opened.reader
        if DISPATCH not in reader.may(row.id):
            raise Refused("authority.denied", operation=DISPATCH)
        if row.place is None:
            raise Refused("matter.erased")
        asked = {order.unit for order in row.orders if order.state in ("lapsed", "returned")}
        found = candidates(
            reader.connection,
            platform.world,
            Scene(row.place.lon, row.place.lat, row.jurisdiction),
            now=platform.clock.now(),
            limit=limit,
            without=asked | _not_ours(platform, reader),
        )
    return Recommendations(found)


def _not_ours(platform: RunningPlatform, reader: Reader) -> set[str]:
    """Units the reader may not send: how far away they are is not for the reader either."""
    pack = platform.pack
    paths = {unit.id: ".".join(pack.path(unit.organisation)) for unit in pack.units.values()}
    return {unit for unit, path in paths.items() if not reader.scope.allows_at(DISPATCH, path)}


@get(
    "/api/incidents/{matter:str}/duplicates",
    sync_to_thread=True,
    opt=reads(OPENS),
    operation_id="find_duplicates",
    summary="疑似重复: open incidents near in place and time",
)
def find_duplicates(platform: Platform, actor: Actor, matter: MatterId) -> Duplicates:
    """Open matters within 300 m reported within 30 minutes before or after this one."""
    with opening(platform, actor, checked_uuid(matter)) as opened:
        row, reader = opened.matter.row, opened.reader
        if row.place is None:
            return Duplicates([])
        cells = cells_around(row.place.lon, row.place.lat)
        near = tables.open_near(reader, cells, row.reported_at - timedelta(seconds=NEAR_S))
    return Duplicates(_duplicates(row, near))


def cells_around(lon: float, lat: float) -> list[str]:
    """The cells within about 300 m of a point."""
    step = NEAR_M / 111_000
    found = {
        cell(
            min(180.0, max(-180.0, lon + east * step * 2)),
            min(90.0, max(-90.0, lat + north * step)),
        )
        for east in (-1, 0, 1)
        for north in (-1, 0, 1)
    }
    return sorted(found)


def _duplicates(row: IncidentRow, near: Sequence[IncidentRow]) -> list[Duplicate]:
    assert row.place is not None
    found = []
    for one in near:
        if one.id == row.id or one.place is None:
            continue
        away = haversine(row.place.lon, row.place.lat, one.place.lon, one.place.lat)
        age = round((row.reported_at - one.reported_at).total_seconds())
        if away <= NEAR_M and abs(age) <= NEAR_S:
            found.append(Duplicate(one, away, age))
    return sorted(found, key=lambda one: (one.distance_m, abs(one.age_s), one.incident.id))


#: path word -> (operation, input, what it is)
OPERATIONS: tuple[tuple[str, type[msgspec.Struct], str], ...] = (
    ("complete", inputs.Complete, "接警完成: the call ended"),
    ("remark", inputs.Remark, "补充: add a remark"),
    ("correct_place", inputs.CorrectPlace, "更正地点: correct the place"),
    ("correct_time", inputs.CorrectTime, "更正时间: correct a time"),
    ("categorise", inputs.Categorise, "定类: set the category"),
    ("change_level", inputs.ChangeLevel, "升级/降级: raise or lower the level"),
    ("dispatch", inputs.Dispatch, "派警: send units"),
    ("withdraw", inputs.Withdraw, "撤回: take an order back"),
    ("transfer", inputs.Transfer, "转办: offer to another organisation"),
    ("accept_transfer", inputs.Nothing, "接收转办: accept a transfer"),
    ("ask_in", inputs.AskIn, "请求协同: let another organisation in"),
    ("urge", inputs.Remark, "催办: urge"),
    ("request_cancel", inputs.RequestCancel, "申请撤销: ask to cancel"),
    ("confirm_cancel", inputs.Nothing, "核对撤销: confirm as the second person"),
    ("decline_cancel", inputs.Because, "不同意撤销: decline to cancel"),
    ("merge", inputs.Merge, "合并: join to the main matter"),
    ("unmerge", inputs.Unmerge, "拆分: take out again"),
    ("feed_back", inputs.FeedBack, "反馈: what was found and done"),
    ("return_feedback", inputs.Because, "审核退回: send feedback back"),
    ("close", inputs.Nothing, "办结: close"),
    ("call_back", inputs.CallBack, "回访: call back"),
    ("archive", inputs.Nothing, "归档: archive"),
)


@dataclass(frozen=True)
class OperationRoutes:
    """The routes of a part's operations: POST PATH/{matter}/WORD performs AREA.WORD. `module`:
    whose doors they are; `proven`: the words that ask for a fresh proof of who is there;
    `looks`: those that show or copy what they are about, and which look that is."""

    module: str
    path: str
    area: str
    proven: tuple[str, ...] = ()
    looks: Mapping[str, str] = field(default_factory=dict)

    def route(self, word: str, kind: type[msgspec.Struct], what: str) -> HTTPRouteHandler:
        name = f"{self.area}.{word}"

        def handler(commander: Commander, matter: str, data: Any) -> Answer:
            if (look := self.looks.get(word)) is not None:
                with opening(commander.platform, commander.actor, checked_uuid(matter), look):
                    pass
            return commander.run(name, matter, data)

        handler.__name__, handler.__module__ = word, self.module
        handler.__annotations__ |= {"matter": MatterId, "data": kind}
        return post(
            f"{self.path}/{{matter:str}}/{word}",
            sync_to_thread=True,
            status_code=200,
            opt=PROVE if word in self.proven else {},
            operation_id=word,
            summary=what,
        )(handler)


OF_INCIDENTS: Final = OperationRoutes(__name__, "/api/incidents", "incident")


@post(
    "/api/incidents/{matter:str}/orders/{order:str}/{step:str}",
    sync_to_thread=True,
    status_code=200,
    operation_id="step_order",
    summary="派警单: deliver, sign, set_out, arrive, handle, finish, return",
)
def step_order(
    commander: Commander,
    matter: MatterId,
    order: OrderId,
    step: Literal["deliver", "sign", "set_out", "arrive", "handle", "finish", "return"],
    data: "StepBody",
) -> Answer:
    asked = Step(order=checked_uuid(order), **{f: getattr(data, f) for f in data.__struct_fields__})
    return commander.run(f"order.{step}", matter, asked)


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of an order, as the terminal sends it. See `Step`."""

    at: datetime
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    on_behalf_of: Annotated[str, msgspec.Meta(max_length=64)] | None = None


ROUTES: tuple[Any, ...] = (
    report,
    list_incidents,
    get_incident,
    unmask,
    get_entries,
    recommend_units,
    find_duplicates,
    *(OF_INCIDENTS.route(*row) for row in OPERATIONS),
    step_order,
)

assert get_args(State) == STATES
assert set(FROM) == {"deliver", "sign", "set_out", "arrive", "handle", "finish", "return"}
