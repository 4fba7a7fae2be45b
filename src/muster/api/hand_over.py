"""The shared desk at shift change: the next person takes over and the page stays where it is."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post

from muster.api.opening import reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.session import AnyRequest, client_of, cookie, device_cookie, sessions_for, token_of
from muster.api.sign_in import CodeOrNone, Secret, Text
from muster.command.incidents import tables as incidents
from muster.identity.people import names_of
from muster.identity.sessions import Session, SignedIn
from muster.identity.sign_in.hand_over import HandOver, HandOvers, fresh_id
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

SHOWN = 20
Desk = Annotated[str, msgspec.Meta(max_length=60)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]


class TakeOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next person, with password and (where there is one) the code of the second factor.
    `desk`: what the desk is called; `note`: words for the next person."""

    username: Text
    password: Secret
    code: CodeOrNone = ""
    desk: Desk = ""
    note: Note = ""


class HandOverView(msgspec.Struct, frozen=True):
    """Who left the desk to whom, with how many open matters, and what was said."""

    id: str
    at: datetime
    from_id: str
    from_name: str
    to_id: str
    to_name: str
    desk: str
    open_matters: int
    note: str


class HandOverList(msgspec.Struct, frozen=True):
    """The newest first."""

    items: list[HandOverView]


class TakenOver(msgspec.Struct, frozen=True):
    """The next person's session, and what was handed over."""

    session: Session
    hand_over: HandOverView


@post(
    "/api/session/hand-over",
    sync_to_thread=True,
    operation_id="hand_over",
    summary="交接班: the next person takes over this desk",
)
def hand_over(
    request: AnyRequest, platform: Platform, signed_in: SignedIn, data: TakeOver
) -> Response[TakenOver]:
    """The next person proves who they are; one session ends and the other begins at once."""
    sessions, client = sessions_for(platform), client_of(request)
    person = sessions.prove_person(data.username, data.password, data.code, client=client)
    if person.id == signed_in.person:
        raise Refused("hand_over.same_person")
    left = _open_matters(platform, signed_in.actor)
    with platform.pool.connection() as connection:
        token, session = sessions.hand_over(connection, token_of(request), person.id, client)
        kept = HandOver(
            id=fresh_id(),
            at=real_now(),
            from_person=signed_in.person,
            to_person=person.id,
            desk=data.desk.strip(),
            open_matters=left,
            note=data.note.strip(),
        )
        HandOvers(platform.vault).keep(connection, kept)
    device = sessions.remember(person.id, client)
    headers = {"Set-Cookie": device_cookie(request, device).to_header(header="")}
    body = TakenOver(session, _shown(platform, [kept])[0])
    return Response(body, status_code=201, cookies=[cookie(request, token)], headers=headers)


@get(
    "/api/hand-overs",
    sync_to_thread=True,
    opt=reads("own"),
    operation_id="list_hand_overs",
    summary="交接记录: what one gave and took over",
)
def list_hand_overs(platform: Platform, signed_in: SignedIn) -> HandOverList:
    """What one handed over and took over, with the notes."""
    with platform.pool.connection() as connection:
        found = HandOvers(platform.vault).of(connection, signed_in.person, SHOWN)
    return HandOverList(_shown(platform, found))


def _open_matters(platform: RunningPlatform, actor: Actor) -> int:
    """How many open matters the leaving person sees; none for who reads no matter."""
    try:
        with platform.reader(actor) as reader:
            return incidents.open_count(reader)
    except Refused as refusal:
        if refusal.code != "authority.denied":
            raise
        return 0


def _shown(platform: RunningPlatform, found: list[HandOver]) -> list[HandOverView]:
    ids = {one.from_person for one in found} | {one.to_person for one in found}
    with platform.pool.connection() as connection:
        names = names_of(connection, ids)
    return [
        HandOverView(
            id=one.id,
            at=one.at,
            from_id=one.from_person,
            from_name=names.get(one.from_person, one.from_person),
            to_id=one.to_person,
            to_name=names.get(one.to_person, one.to_person),
            desk=one.desk,
            open_matters=one.open_matters,
            note=one.note,
        )
        for one in found
    ]


ROUTES: tuple[Any, ...] = (Router("/", route_handlers=[hand_over, list_hand_overs]),)
