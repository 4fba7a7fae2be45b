"""Organisations, people, grants: the doors of `identity`."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Router, delete, get, post
from litestar.params import Parameter

from muster.api.opening import disclosed, reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.session import PROVE
from muster.identity import people, tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.organisations import MICRO
from muster.identity.passwords import Passwords
from muster.identity.tables import GrantRow, Person
from muster.identity.trust import request
from muster.identity.trust.tables import TrustRow
from muster.identity.trust.trusted import TRUSTED
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

PersonId = Annotated[str, Parameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
MANAGE: Final = "manage.people"
#: A first password is somebody else's: its owner chooses another with it, within a week.
FIRST_PASSWORD: Final = timedelta(days=7)


class PersonWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a password the person cannot sign in yet; with one, the person must choose another
    at the first sign-in, within a week."""

    name: Text
    username: Text
    organisation: Text
    password: Secret | None = None


class GrantWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`until` None: until revoked."""

    role: Text
    organisation: Text
    until: datetime | None = None
    reason: Reason = "granted"


class Because(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason


class OrganisationView(msgspec.Struct, frozen=True):
    """`path`: ids from the top down, joined by dots. lon, lat: WGS-84 degrees."""

    id: str
    parent: str | None
    name_zh: str
    name_en: str
    tier: str
    path: str
    lon: float
    lat: float


class OrganisationList(msgspec.Struct, frozen=True):
    items: list[OrganisationView]


class GrantView(msgspec.Struct, frozen=True):
    """`waits_until`: not granted yet; a second person confirms it until then, under this id at
    /api/trust-requests."""

    id: str
    role: str
    organisation: str
    valid_from: datetime
    until: datetime | None
    waits_until: datetime | None = None


class PersonView(msgspec.Struct, frozen=True):
    """`invented`: exists for demonstrations only. `grants`: those not revoked."""

    id: str
    name: str
    username: str
    organisation: str
    active: bool
    invented: bool
    grants: list[GrantView]


class PeoplePage(msgspec.Struct, frozen=True):
    """By id. `next` goes into `after` for the following page."""

    items: list[PersonView]
    next: str | None


# --- organisations and people ------------------------------------------------------------------


@get(
    "/api/organisations",
    sync_to_thread=True,
    opt=reads("open"),
    operation_id="list_organisations",
    summary="单位: all organisations",
)
def list_organisations(platform: Platform) -> OrganisationList:
    """All organisations, superiors first."""
    with platform.pool.connection() as connection:
        found = tables.organisations(connection)
    return OrganisationList([_organisation(one) for one in found])


@get(
    "/api/people",
    sync_to_thread=True,
    opt=reads("people.read"),
    operation_id="list_people",
    summary="人员: people one may read, with their grants",
)
def list_people(
    platform: Platform,
    actor: Actor,
    after: Annotated[str, Parameter(pattern=r"^[A-Za-z0-9_-]{0,63}\Z")] = "",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 200,
) -> PeoplePage:
    """The people of the organisations one may read people of, with their grants."""
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, "read.people")
        paths = scope_of(connection, actor).paths("read.people")
        found = people.list_people(connection, paths, after=after, limit=limit)
    disclosed(platform, actor, authority, "people.read", subject=f"after={after}", count=len(found))
    items = [_person(person, grants) for person, grants in found]
    return PeoplePage(items, items[-1].id if len(items) == limit else None)


@post(
    "/api/people",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="create_person",
    summary="新增人员: make a person",
)
def create_person(platform: Platform, actor: Actor, data: PersonWanted) -> PersonView:
    """Make a person. A grant gives the person something to do."""
    check_input(data)
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE, data.organisation)
        made = people.create_person(
            connection,
            people.NewPerson(
                name=data.name,
                username=data.username,
                organisation=data.organisation,
                password=data.password,
                password_until=real_now() + FIRST_PASSWORD if data.password else None,
            ),
            Passwords(testing=platform.testing),
            actor=actor.person,
            reason="created",
        )
    return _person(made, [])


@post(
    "/api/people/{person:str}/close",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="close_account",
    summary="停用账号: close an account",
)
def close_account(platform: Platform, actor: Actor, person: PersonId, data: Because) -> PersonView:
    """Close an account: its sessions end at once, its history stays."""
    return _set_active(platform, actor, person, data, False)


@post(
    "/api/people/{person:str}/open",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="open_account",
    summary="启用账号: open an account again",
)
def open_account(platform: Platform, actor: Actor, person: PersonId, data: Because) -> PersonView:
    """Open a closed account again. Roles of trust ended when it closed."""
    return _set_active(platform, actor, person, data, True)


@post(
    "/api/people/{person:str}/grants",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="give_grant",
    summary="授权: grant a role",
)
def give_grant(platform: Platform, actor: Actor, person: PersonId, data: GrantWanted) -> GrantView:
    """Grant a role at an organisation of one's own area, for everything under it. A role of trust
    (duty chief, auditor, administrator) waits for a second person."""
    check_input(data)
    now = real_now()
    new = people.NewGrant(role=data.role, organisation=data.organisation, valid_until=data.until)
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE, data.organisation)
        if new.role in TRUSTED:
            asking = request.Asking(actor.person, data.reason, now)
            return _waits(request.ask_grant(connection, person, new, asking), new)
        made = people.give_grant(
            connection, person, new, actor=actor.person, reason=data.reason, now=now
        )
    return _grant(made)


def _waits(row: TrustRow, new: people.NewGrant) -> GrantView:
    return GrantView(
        row.id, new.role, new.organisation, row.asked_at, new.valid_until, row.expires_at
    )


@delete(
    "/api/grants/{grant:uuid}",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="revoke_grant",
    summary="撤销授权: end a grant now",
)
def revoke_grant(
    platform: Platform,
    actor: Actor,
    grant: UUID,
    reason: Annotated[str, Parameter(min_length=1, max_length=500)] = "revoked",
) -> None:
    """End a grant now."""
    check_input(reason, "reason")
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE)
        found = people.find_grant(connection, str(grant))
        if not scope_of(connection, actor).allows_at(MANAGE, found.path):
            raise Refused("grant.unknown")
        people.revoke_grant(connection, found.id, actor=actor.person, reason=reason, now=real_now())


def _set_active(
    platform: RunningPlatform, actor: Actor, person: str, data: Because, active: bool
) -> PersonView:
    check_input(data)
    with platform.pool.connection() as connection:
        found = people.managed(connection, actor, person, MANAGE)
        changed = people.set_active(
            connection, found.id, active, actor=actor.person, reason=data.reason
        )
        return _person(changed, tables.grants_of(connection, [changed.id]))


def _organisation(one: tables.Organisation) -> OrganisationView:
    return OrganisationView(
        id=one.id,
        parent=one.parent,
        name_zh=one.name_zh,
        name_en=one.name_en,
        tier=one.tier,
        path=one.path,
        lon=one.lon / MICRO,
        lat=one.lat / MICRO,
    )


def _grant(row: GrantRow) -> GrantView:
    return GrantView(row.id, row.role, row.organisation, row.valid_from, row.valid_until)


def _person(person: Person, grants: list[GrantRow]) -> PersonView:
    return PersonView(
        id=person.id,
        name=person.name,
        username=person.username,
        organisation=person.organisation,
        active=person.active,
        invented=person.invented,
        grants=[_grant(row) for row in grants],
    )


#: One router: Litestar wraps a plain function anew each time its path is registered again, and
#: a `Response` from within two wrappings is never awaited.
ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            list_organisations,
            list_people,
            create_person,
            close_account,
            open_account,
            give_grant,
            revoke_grant,
        ],
    ),
)
