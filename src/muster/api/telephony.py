"""The telephone system's webhook, and the calls of a desk: ringing, answered, to be called back."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import delete, get, post
from litestar.params import Parameter
from psycopg import Connection

from muster.api.bearer import SCOPE
from muster.api.opening import disclosed, reads
from muster.api.platform import Platform, RunningPlatform
from muster.command.incidents.mask import mask_phone
from muster.command.telephony import tables
from muster.command.telephony.state import (
    CALL_BACK,
    LONGEST,
    LOST,
    Kind,
    Notice,
    Step,
    Telling,
    Waited,
    heard,
    waited,
)
from muster.command.telephony.tables import CallRow
from muster.identity.authoriser import authorise, scope_of
from muster.identity.roles import TOKEN_ACTOR
from muster.identity.tokens import tables as token_tables
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.database import lock
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

NOTIFY: Final = "telephone.notify"
TAKE: Final = "telephone.take"
TOKEN_SCOPE: Final = "telephone:notify"
OLDEST: Final = timedelta(days=1)
AHEAD: Final = timedelta(seconds=60)
_NONCE: Final = 12

CallId = Annotated[
    str,
    Parameter(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", description="call id"),
]
Extension = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z*#_-]{1,16}\Z")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class CallNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing the exchange says of a call. `call`: its own id of the call; `sequence`: grows with
    each notice of it. `at` and `sent_at` on the exchange's clock: with `sent_at` its difference to
    ours is taken off. `number` empty where it is withheld; `extension` where it rings or is
    spoken. Send again what was not answered with 200: the same twice changes nothing."""

    call: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    sequence: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    kind: Kind
    at: Moment
    sent_at: Moment | None = None
    number: Annotated[str, msgspec.Meta(pattern=r"^[+0-9*#-]{0,32}\Z")] = ""
    extension: Extension | None = None


class CallHeard(msgspec.Struct, frozen=True):
    """How the call stands, after this notice and all before it."""

    state: str


class DeskWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The extension at hand, and the organisation whose exchange it is of."""

    extension: Extension
    organisation: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TelephoneCall(msgspec.Struct, frozen=True):
    """A call. `number`: masked; `due`: when it should be called back."""

    id: str
    state: str
    number: str
    extension: str
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    due: datetime | None


class WaitingFigure(msgspec.Struct, frozen=True):
    """A figure with its definition."""

    definition: str
    text_zh: str
    text_en: str
    since: datetime
    counts: Waited


class Telephone(msgspec.Struct, frozen=True):
    """What a desk sees. `calls`: those at the own extension and in the queue."""

    now: datetime
    extension: str | None
    calls: list[TelephoneCall]
    call_back: list[TelephoneCall]
    waiting: WaitingFigure


class CallTaken(msgspec.Struct, frozen=True):
    """For the intake form. The look at the number is recorded."""

    id: str
    number: str
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None


class CallJoined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The matter the call became."""

    matter: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]


class CalledBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How calling back ended; unreachable with a reason."""

    outcome: Literal["done", "unreachable"]
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Numbers:
    """Seals numbers until a vault has them."""

    def __init__(self, platform: RunningPlatform) -> None:
        self._vault = platform.vault
        self._seal = AESGCM(platform.vault.key_for("telephone numbers"))

    def sealed(self, call_id: str, number: str) -> tuple[bytes, bytes]:
        """(sealed, keyed hash)."""
        nonce = secrets.token_bytes(_NONCE)
        data = nonce + self._seal.encrypt(nonce, number.encode(), call_id.encode())
        return data, self._vault.lookup_hash("phone", number)

    def open(self, row: CallRow) -> str:
        if row.number_secret is None:
            return ""
        data = bytes(row.number_secret)
        return self._seal.decrypt(data[:_NONCE], data[_NONCE:], row.id.encode()).decode()


@post(
    "/api/telephone/notices",
    sync_to_thread=True,
    status_code=200,
    operation_id="notify_call",
    summary="话务通知: what the telephone system says of a call",
    opt={SCOPE: TOKEN_SCOPE},
)
def notify_call(platform: Platform, actor: Actor, data: CallNotice) -> CallHeard:
    """In any order, as often as one likes."""
    check_input(data)
    now = platform.clock.now()
    offset = _offset(data, now)
    with platform.pool.connection() as connection:
        authorise(connection, actor, NOTIFY)
        source = actor.person.removeprefix(TOKEN_ACTOR)
        found = token_tables.token(connection, source)
        if found is None:
            raise Refused("authority.denied", operation=NOTIFY)
        lock(connection, f"telephone:{source}:{data.call}")
        row = tables.of_exchange(connection, source, data.call)
        if row is None:
            row = _fresh(source, data.call, found[0].organisation, now)
        row = _told(Numbers(platform), row, data, offset)
        tables.keep(connection, row)
    return CallHeard(row.state)


def _offset(data: CallNotice, now: datetime) -> timedelta | None:
    """What to add to the exchange's clock for ours. Raises time.impossible."""
    try:
        offset = None if data.sent_at is None else now - data.sent_at
        known = now - OLDEST <= data.at + (offset or timedelta(0)) <= now + AHEAD
        data.at.astimezone(UTC)
    except OverflowError:
        known, offset = False, None
    if not known:
        raise Refused("time.impossible", path="at")
    return offset


def _fresh(source: str, call: str, organisation: str, now: datetime) -> CallRow:
    return CallRow(
        id=str(uuid.uuid4()),
        source=source,
        call=call,
        organisation=organisation,
        state="ringing",
        extension="",
        ringing_at=None,
        answered_at=None,
        ended_at=None,
        heard_at=now,
        number_secret=None,
        number_hash=None,
        matter=None,
        called_back="",
        steps=None,
    )


class _Kept(msgspec.Struct):
    """`steps` of a row: all that is told, but the number."""

    steps: dict[str, Step]
    placed: int
    numbered: int
    offset: timedelta | None


def _told(numbers: Numbers, row: CallRow, data: CallNotice, offset: timedelta | None) -> CallRow:
    before = Telling()
    if row.steps is not None:
        kept = msgspec.convert(row.steps, _Kept)
        before = Telling(
            kept.steps,
            row.extension,
            numbers.open(row),
            kept.placed,
            kept.numbered,
            kept.offset,
        )
    at = data.at.astimezone(UTC)
    notice = Notice(data.kind, data.sequence, at, data.number, data.extension or "", offset)
    after = heard(before, notice)
    changes: dict[str, Any] = {}
    if after.number != before.number and row.matter is None:
        sealed, known = numbers.sealed(row.id, after.number)
        changes = {"number_secret": sealed, "number_hash": known}
    return msgspec.structs.replace(
        row,
        state=after.state,
        extension=after.extension,
        ringing_at=after.at("ringing"),
        answered_at=after.at("answered"),
        ended_at=after.at("ended", "abandoned"),
        steps=msgspec.to_builtins(_Kept(after.steps, after.placed, after.numbered, after.offset)),
        **changes,
    )


@post(
    "/api/telephone/desk",
    sync_to_thread=True,
    status_code=200,
    operation_id="sit_down",
    summary="坐席: the extension at hand is mine",
)
def sit_down(platform: Platform, actor: Actor, data: DeskWanted) -> DeskWanted:
    """Until one signs out, hands over, or says another."""
    check_input(data)
    with platform.pool.connection() as connection:
        authorise(connection, actor, TAKE, data.organisation)
        tables.sit_down(
            connection,
            data.organisation,
            data.extension,
            person=actor.person,
            session=bytes.fromhex(actor.session),
            at=real_now(),
        )
    return data


@delete(
    "/api/telephone/desk",
    sync_to_thread=True,
    status_code=204,
    operation_id="leave_desk",
    summary="离席: no extension is mine",
)
def leave_desk(platform: Platform, actor: Actor) -> None:
    """Give up the extension; without one nothing happens."""
    with platform.pool.connection() as connection:
        authorise(connection, actor, TAKE)
        tables.leave(connection, bytes.fromhex(actor.session), actor=actor.person)


@get(
    "/api/telephone",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="get_telephone",
    summary="话务: calls at the own extension, to be called back, and how long callers waited",
)
def get_telephone(platform: Platform, actor: Actor) -> Telephone:
    """Numbers are masked here. Who has said no extension sees no single call."""
    now, numbers = platform.clock.now(), Numbers(platform)
    with platform.pool.connection() as connection:
        mine = _organisations(platform, connection, actor)
        desk = tables.desk_of(connection, bytes.fromhex(actor.session), real_now())
        calls: Sequence[CallRow] = ()
        if desk is not None:
            calls = tables.to_show(connection, mine, ["", desk[1]], now - LONGEST)
        back = tables.to_call_back(connection, mine, now - LOST)
        since = now - timedelta(days=1)
        spans, abandoned = tables.waiting_times(connection, mine, since)
    late = {row.id for row in back}
    return Telephone(
        now=now,
        extension=desk[1] if desk else None,
        calls=[_shown(numbers, row) for row in calls if row.id not in late],
        call_back=[_shown(numbers, row, back=True) for row in back],
        waiting=_figure(waited(spans, abandoned), since),
    )


def _figure(counts: Waited, since: datetime) -> WaitingFigure:
    return WaitingFigure(
        definition="telephone.waiting.1",
        text_zh="近 24 小时接听的来电中，从振铃到接听不超过 15 秒、20 秒的比例；"
        "两个时刻不全的不计，呼损另计。目标：15 秒内 90%，20 秒内 95%。",
        text_en="Of calls answered in the last 24 hours, the share answered within 15 and within "
        "20 seconds of ringing; calls without both moments are left out, abandoned ones counted "
        "beside. Aim: 90 % within 15 s, 95 % within 20 s.",
        since=since,
        counts=counts,
    )


def _organisations(
    platform: RunningPlatform, connection: Connection[Any], actor: Actor
) -> list[str]:
    """Those whose calls one may take. Raises authority.denied."""
    authorise(connection, actor, TAKE)
    paths = scope_of(connection, actor).paths(TAKE)
    found = {one for path in paths for one in platform.pack.subtree(path.split(".")[-1])}
    return sorted(found)


def _shown(numbers: Numbers, row: CallRow, *, back: bool = False) -> TelephoneCall:
    number = numbers.open(row)
    return TelephoneCall(
        id=row.id,
        state="abandoned" if back else row.state,
        number=mask_phone(number) if number else "",
        extension=row.extension,
        ringing_at=row.ringing_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        due=(row.ended_at or row.heard_at) + CALL_BACK if back else None,
    )


@post(
    "/api/telephone/calls/{call:str}/take",
    sync_to_thread=True,
    status_code=200,
    operation_id="take_call",
    summary="取号: the number and times of a call, for the intake form",
)
def take_call(platform: Platform, actor: Actor, call: CallId) -> CallTaken:
    """A call at the own extension, in the queue, or to be called back."""
    numbers = Numbers(platform)
    with platform.pool.connection() as connection:
        row = _mine(platform, connection, actor, call)
        authority = authorise(connection, actor, TAKE, row.organisation)
        number = numbers.open(row)
    subject = bytes(row.number_hash).hex() if row.number_hash else ""
    disclosed(platform, actor, authority, "lookup.phone", count=bool(number), subject=subject)
    return CallTaken(row.id, number, row.ringing_at, row.answered_at, row.ended_at)


def _mine(
    platform: RunningPlatform, connection: Connection[Any], actor: Actor, call: str
) -> CallRow:
    """A call this desk may take. Raises call.unknown, also for one of another desk."""
    mine = _organisations(platform, connection, actor)
    row = tables.find(connection, call)
    desk = tables.desk_of(connection, bytes.fromhex(actor.session), real_now())
    now = platform.clock.now()
    if row is None or row.organisation not in mine or desk is None:
        raise Refused("call.unknown")
    back = row.state == "abandoned" or (row.state == "ringing" and row.heard_at < now - LOST)
    if not back and row.extension not in ("", desk[1]):
        raise Refused("call.unknown")
    return row


@post(
    "/api/telephone/calls/{call:str}/join",
    sync_to_thread=True,
    status_code=200,
    operation_id="join_call",
    summary="归入警情: the matter a call became",
)
def join_call(platform: Platform, actor: Actor, call: CallId, data: CallJoined) -> CallHeard:
    """The number is in the matter's vault now, and no longer here."""
    with platform.reader(actor) as reader:
        if not reader.access(data.matter):
            raise Refused("matter.unknown")
    with platform.pool.connection() as connection:
        row = _mine(platform, connection, actor, call)
        tables.joined(connection, row.id, data.matter)
    return CallHeard(row.state)


@post(
    "/api/telephone/calls/{call:str}/called_back",
    sync_to_thread=True,
    status_code=200,
    operation_id="called_back",
    summary="回拨: an abandoned call was called back",
)
def called_back(platform: Platform, actor: Actor, call: CallId, data: CalledBack) -> CallHeard:
    """Who called back, when, and how it ended, is in the audit."""
    check_input(data)
    if data.outcome == "unreachable" and not data.reason.strip():
        raise Refused("reason.needed")
    with platform.pool.connection() as connection:
        row = _mine(platform, connection, actor, call)
        if row.called_back:
            raise Refused("call.called_back")
        tables.called_back(
            connection,
            row.id,
            data.outcome,
            at=platform.clock.now(),
            actor=actor.person,
            reason=data.reason.strip() or data.outcome,
        )
    return CallHeard(row.state)


ROUTES = (
    notify_call,
    sit_down,
    leave_desk,
    get_telephone,
    take_call,
    join_call,
    called_back,
)
