"""What organisations ask of a sign-in, and resets of other people's sign-in by two."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Router, delete, get, post
from litestar.params import Parameter

from muster.api.identity import PersonId
from muster.api.opening import reads
from muster.api.platform import Platform
from muster.api.session import PROVE
from muster.identity import people, tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.organisations import path_of
from muster.identity.passwords import Passwords
from muster.identity.sign_in import resets
from muster.identity.sign_in.policies import policy_at, set_policy
from muster.identity.sign_in.policy import Policy, Said
from muster.identity.sign_in.tables import ResetRow, policies
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

OrganisationId = Annotated[str, Parameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
READ: Final = "read.policy"
MANAGE: Final = "manage.policy"
CONFIRM: Final = "confirm.reset"
DAY_S: Final = 86_400


class PolicyWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is null is inherited. Below the top only what is stricter has an effect; `failures` and
    `lock_s` are the top's to say."""

    shortest: Annotated[int, msgspec.Meta(ge=8, le=64)] | None = None
    factor_roles: Annotated[list[Word], msgspec.Meta(max_length=20)] | None = None
    idle_s: Annotated[int, msgspec.Meta(ge=300, le=DAY_S)] | None = None
    longest_s: Annotated[int, msgspec.Meta(ge=900, le=2 * DAY_S)] | None = None
    failures: Annotated[int, msgspec.Meta(ge=3, le=20)] | None = None
    lock_s: Annotated[int, msgspec.Meta(ge=60, le=DAY_S)] | None = None
    methods: Annotated[list[Word], msgspec.Meta(max_length=5)] | None = None
    reason: Reason


class PolicySaid(msgspec.Struct, frozen=True):
    """What an organisation says itself."""

    shortest: int | None
    factor_roles: list[str] | None
    idle_s: int | None
    longest_s: int | None
    failures: int | None
    lock_s: int | None
    methods: list[str] | None


class PolicyHeld(msgspec.Struct, frozen=True):
    """What holds there, of all that is said above and at it."""

    shortest: int
    factor_roles: list[str]
    idle_s: int
    longest_s: int
    failures: int
    lock_s: int
    methods: list[str]


class PolicyView(msgspec.Struct, frozen=True):
    """One organisation. `said` null: it says nothing. `may_change`: whoever asks may."""

    organisation: str
    top: bool
    said: PolicySaid | None
    held: PolicyHeld
    may_change: bool


class PolicyList(msgspec.Struct, frozen=True):
    """Superiors first."""

    items: list[PolicyView]


class ResetWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`password`: a one-time password; `factor`: no second factor any more."""

    what: Literal["password", "factor"]
    reason: Reason


class ResetView(msgspec.Struct, frozen=True):
    """Waits for a second person until `expires_at`. `may_confirm`: whoever asks may."""

    id: str
    person: str
    person_name: str
    what: str
    reason: str
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    expires_at: datetime
    may_confirm: bool


class ResetList(msgspec.Struct, frozen=True):
    """The oldest first."""

    items: list[ResetView]


class ResetDone(msgspec.Struct, frozen=True):
    """`password`: shown this once, for a day, and only to choose another; null for a factor."""

    password: str | None


@get(
    "/api/policies",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_policies",
    summary="登录策略: what organisations ask of a sign-in",
)
def list_policies(platform: Platform, actor: Actor) -> PolicyList:
    """The organisations of one's area, with what they say and what holds."""
    with platform.pool.connection() as connection:
        authorise(connection, actor, READ)
        scope, said = scope_of(connection, actor), policies(connection)
        listed = tables.organisations(connection)
    views = []
    for one in listed:
        if scope.allows_at(READ, one.path):
            own = next((each for each in said if each.path == one.path), None)
            view = PolicyView(
                organisation=one.id,
                top=one.parent is None,
                said=None if own is None else _said(own),
                held=_held(policy_at(said, one.path)),
                may_change=scope.allows_at(MANAGE, one.path),
            )
            views.append(view)
    return PolicyList(views)


@post(
    "/api/organisations/{organisation:str}/policy",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="set_policy",
    summary="改登录策略: what an organisation asks of a sign-in",
)
def change_policy(
    platform: Platform, actor: Actor, organisation: OrganisationId, data: PolicyWanted
) -> PolicyHeld:
    """Say anew what an organisation asks; it holds at everybody's next request."""
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE, organisation)
        said = Said(
            path=path_of(connection, organisation),
            shortest=data.shortest,
            factor_roles=None if data.factor_roles is None else tuple(data.factor_roles),
            idle_s=data.idle_s,
            longest_s=data.longest_s,
            failures=data.failures,
            lock_s=data.lock_s,
            methods=None if data.methods is None else tuple(data.methods),
        )
        held = set_policy(connection, organisation, said, actor=actor.person, reason=data.reason)
    return _held(held)


@post(
    "/api/people/{person:str}/resets",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="ask_reset",
    summary="申请重设: ask for a new password or no second factor",
)
def ask_reset(platform: Platform, actor: Actor, person: PersonId, data: ResetWanted) -> ResetView:
    """Ask for it. Another person with the right confirms within an hour."""
    with platform.pool.connection() as connection:
        people.managed(connection, actor, person, "manage.people")
        row = resets.ask(
            connection,
            person,
            data.what,
            actor=actor.person,
            reason=data.reason,
            now=real_now(),
        )
        return _reset(row, resets.people_named(connection, [row]), False)


@get(
    "/api/resets",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_resets",
    summary="待确认的重设: resets that wait for a second person",
)
def list_resets(platform: Platform, actor: Actor) -> ResetList:
    """Those one may confirm, and those one asked for."""
    with platform.pool.connection() as connection:
        scope_of(connection, actor)
        found = []
        now = real_now()
        for row in resets.waiting(connection, now):
            may = resets.may_confirm(connection, actor, row, now)
            if may or row.asked_by == actor.person:
                found.append((row, may))
        names = resets.people_named(connection, [row for row, _ in found])
    return ResetList([_reset(row, names, may) for row, may in found])


@post(
    "/api/resets/{reset:uuid}/confirm",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="confirm_reset",
    summary="确认重设: the second person does it",
)
def confirm_reset(platform: Platform, actor: Actor, reset: UUID) -> ResetDone:
    """Do what another asked for. The person's sessions end."""
    now, passwords = real_now(), Passwords(testing=platform.testing)
    with platform.pool.connection() as connection:
        row = resets.find(connection, str(reset), now)
        _in_reach(connection, actor, row)
        password = resets.confirm(connection, row, passwords, actor=actor.person, now=now)
    return ResetDone(password or None)


@delete(
    "/api/resets/{reset:uuid}",
    sync_to_thread=True,
    operation_id="decline_reset",
    summary="不予重设: decline a reset, or take it back",
)
def decline_reset(platform: Platform, actor: Actor, reset: UUID) -> None:
    """It is not done."""
    now = real_now()
    with platform.pool.connection() as connection:
        row = resets.find(connection, str(reset), now)
        if row.asked_by != actor.person:
            _in_reach(connection, actor, row)
        resets.decline(connection, row, actor=actor.person, now=now)


def _in_reach(connection: Any, actor: Actor, row: ResetRow) -> None:
    """Raises authority.denied, and reset.unknown for people of others."""
    authorise(connection, actor, CONFIRM)
    try:
        people.managed(connection, actor, row.person, CONFIRM)
    except Refused:
        raise Refused("reset.unknown") from None


def _said(said: Said) -> PolicySaid:
    return PolicySaid(
        shortest=said.shortest,
        factor_roles=None if said.factor_roles is None else list(said.factor_roles),
        idle_s=said.idle_s,
        longest_s=said.longest_s,
        failures=said.failures,
        lock_s=said.lock_s,
        methods=None if said.methods is None else list(said.methods),
    )


def _held(policy: Policy) -> PolicyHeld:
    return PolicyHeld(
        shortest=policy.shortest,
        factor_roles=sorted(policy.factor_roles),
        idle_s=int(policy.idle.total_seconds()),
        longest_s=int(policy.longest.total_seconds()),
        failures=policy.failures,
        lock_s=int(policy.lock.total_seconds()),
        methods=sorted(policy.methods),
    )


def _reset(row: ResetRow, names: dict[str, str], may: bool) -> ResetView:
    return ResetView(
        id=row.id,
        person=row.person,
        person_name=names.get(row.person, row.person),
        what=row.what,
        reason=row.reason,
        asked_by=row.asked_by,
        asked_by_name=names.get(row.asked_by, row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        may_confirm=may,
    )


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            list_policies,
            change_policy,
            ask_reset,
            list_resets,
            confirm_reset,
            decline_reset,
        ],
    ),
)
