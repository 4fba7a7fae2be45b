"""What was changed of one's own sign-in elsewhere or by others, and whether a password will do."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Router, get, post

from muster.api.opening import reads
from muster.api.platform import Platform
from muster.api.sentences import sentence
from muster.api.session import FIRST_STEPS, PUBLIC, AnyRequest, same_site, sessions_for, token_of
from muster.identity import tables
from muster.identity.organisations import root_of
from muster.identity.passwords import check_policy
from muster.identity.sessions import SignedIn, names_of_city, normal_username
from muster.identity.sign_in import changes
from muster.identity.sign_in.policy import in_force
from muster.identity.sign_in.tables import policies_over
from muster.journal.clock import real_now
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

Secret = Annotated[str, msgspec.Meta(max_length=256)]


class SignInChange(msgspec.Struct, frozen=True):
    """`by_name` empty: whoever may use the machine. `own`: in another session of one's own, from
    `agent` at `address`."""

    id: str
    what: str
    at: datetime
    by_name: str
    own: bool
    agent: str
    address: str


class SignInChanges(msgspec.Struct, frozen=True):
    """The oldest first."""

    items: list[SignInChange]


class PasswordTried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: Secret


class FirstPasswordTried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    username: Annotated[str, msgspec.Meta(max_length=100)]
    password: Secret


class PasswordJudged(msgspec.Struct, frozen=True):
    """By the rules that the change itself will follow. `code` empty: it will do; else why not, in
    both languages. `shortest`: what the policy asks for."""

    shortest: int
    code: str
    says_zh: str
    says_en: str


@get(
    "/api/sign-in-changes",
    sync_to_thread=True,
    opt=reads("own"),
    operation_id="list_sign_in_changes",
    summary="登录变动: what was changed of one's own sign-in elsewhere",
)
def list_sign_in_changes(platform: Platform, signed_in: SignedIn) -> SignInChanges:
    """Password, second factor, recovery codes, identities: changed by others or in another session,
    and not read yet."""
    here = bytes.fromhex(signed_in.session)
    with platform.pool.connection() as connection:
        rows = changes.unseen(connection, here, real_now())
        names = tables.names(connection, sorted({row.by for row in rows}))
    return SignInChanges(
        [
            SignInChange(
                id=row.id,
                what=row.what,
                at=row.at,
                by_name=names.get(row.by, ""),
                own=row.by == row.person,
                agent=row.agent,
                address=row.address,
            )
            for row in rows
        ]
    )


@post(
    "/api/sign-in-changes/{change_id:uuid}/read",
    sync_to_thread=True,
    status_code=204,
    operation_id="read_sign_in_change",
    summary="知道了: one has read it",
)
def read_sign_in_change(platform: Platform, signed_in: SignedIn, change_id: UUID) -> None:
    """It is not shown again; that it was read is in the audit."""
    with platform.pool.connection() as connection:
        changes.read(connection, signed_in.person, str(change_id), now=real_now())


@post(
    "/api/session/password/judge",
    sync_to_thread=True,
    status_code=200,
    opt=FIRST_STEPS,
    operation_id="judge_password",
    summary="密码可用吗: whether a new password will do",
)
def judge_password(request: AnyRequest, platform: Platform, data: PasswordTried) -> PasswordJudged:
    """Whether one's own new password would be taken. Nothing is kept."""
    check_input(data)
    username, shortest = sessions_for(platform).password_rules(token_of(request))
    with platform.pool.connection() as connection:
        return _judged(data.password, username, shortest, names_of_city(connection))


@post(
    "/api/first/judge",
    sync_to_thread=True,
    status_code=200,
    opt=PUBLIC,
    operation_id="judge_first_password",
    summary="密码可用吗: whether the first administrator's password will do",
)
def judge_first_password(
    request: AnyRequest, platform: Platform, data: FirstPasswordTried
) -> PasswordJudged:
    """The same before there is anybody. Says only what the rules are, which everybody may know."""
    same_site(request)
    check_input(data)
    with platform.pool.connection() as connection:
        shortest = in_force(policies_over(connection, root_of(connection).path)).shortest
        names = names_of_city(connection)
    return _judged(data.password, normal_username(data.username), shortest, names)


def _judged(password: str, username: str, shortest: int, names: tuple[str, ...]) -> PasswordJudged:
    try:
        check_policy(password, username, shortest=shortest, names=names)
    except Refused as refusal:
        return PasswordJudged(shortest, refusal.code, *sentence(refusal.code, refusal.values))
    return PasswordJudged(shortest, "", "", "")


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            list_sign_in_changes,
            read_sign_in_change,
            judge_password,
            judge_first_password,
        ],
    ),
)
