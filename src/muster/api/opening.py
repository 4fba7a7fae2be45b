"""Opening a matter: every door that shows one goes through here, and is recorded before it
answers. What was asked and refused is recorded too."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from litestar.concurrency import sync_to_thread
from litestar.types import Scope

from muster.action.units.tables import crewed_by
from muster.api.platform import RunningPlatform
from muster.api.sentences import STATUS
from muster.command.incidents import tables
from muster.command.incidents.justify import Onlooker, justify, may_read_words, may_unmask
from muster.command.incidents.state import Incident
from muster.command.incidents.view import Eyes, Opened
from muster.identity.access_log import SAME_LOOK, AccessLog, was_unmasked
from muster.identity.authority import READ, choose
from muster.identity.looks.look import Justification, Look, Outcome
from muster.identity.people import namesakes
from muster.identity.reader import Reader
from muster.identity.scope import PRIVATE
from muster.identity.sessions import SignedIn
from muster.journal.clock import Clock
from muster.journal.context import Actor
from muster.journal.entry import Authority
from muster.journal.refusal import Refused

#: What a GET door reads, in its `opt`: a word of the access log when it opens or discloses and
#: records that; `list` for rows without anybody's words; `own` for what is about whoever asks;
#: `open` for what everybody may know.
READS: Final = "reads"
OPENS: Final = "matter.opened"
UNMASKS: Final = "caller.unmasked"
TRACKS: Final = "track.opened"
#: No such address: nothing was asked for.
_NO_ADDRESS: Final = "route.unknown"
#: Forbidden, but no look: a device goes on sending after its unit signed off.
_NO_LOOK: Final = ("position.off_duty",)
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def reads(what: str, **more: Any) -> dict[str, Any]:
    """The `opt` of a door, with what else it says there. A test finds doors without it."""
    return {READS: what, **more}


@dataclass(frozen=True)
class OnDesk:
    """A matter being shown, with the reader that reads it."""

    reader: Reader
    matter: Opened
    who: Onlooker


@contextmanager
def opening(
    platform: RunningPlatform, actor: Actor, matter: str, what: str = OPENS
) -> Iterator[OnDesk]:
    """A matter the actor may see; recorded when the block ends, so before anything is answered.

    Raises matter.unknown, and whatever keeps it from being recorded.
    """
    with platform.reader(actor) as reader:
        found = _found(platform, reader, matter)
        look = _look(platform, found, what)
        yield found
    platform.access.record(look)


@contextmanager
def unmasking(
    platform: RunningPlatform, actor: Actor, matter: str, purpose: str
) -> Iterator[OnDesk]:
    """As `opening`, with people shown. Raises authority.denied when the role may not see them."""
    with platform.reader(actor) as reader:
        found = _found(platform, reader, matter, unmask=True)
        if not found.matter.may_unmask:
            raise Refused("authority.denied", operation=PRIVATE)
        look = _look(platform, found, UNMASKS, purpose)
        yield found
    platform.access.record(look)


def _found(
    platform: RunningPlatform, reader: Reader, matter: str, *, unmask: bool = False
) -> OnDesk:
    rows = tables.rows_of(reader, [matter])
    if not rows:
        raise Refused("matter.unknown")
    entries = reader.entries(matter)
    state: Incident = platform.journal.fold(entries)
    who = _onlooker(platform, reader, matter)
    why = justify(state, entries[0].actor, who)
    may = may_unmask(state, who)
    since = platform.clock.now() - SAME_LOOK
    asked = unmask or was_unmasked(reader.connection, reader.actor, matter, since)
    names = _callers(reader, matter, state)
    eyes = Eyes(
        clear=may and (why.at_hand or asked),
        words=may_read_words(state, who),
        party_only=reader.party_only,
        names=names,
    )
    named = names[-1] if names else None
    return OnDesk(reader, Opened(rows[0], state, entries, eyes, why, may, named), who)


def _onlooker(platform: RunningPlatform, reader: Reader, matter: str) -> Onlooker:
    return Onlooker(
        person=reader.actor.person,
        grants=reader.scope.grants,
        access=reader.access(matter),
        crews=tuple(crewed_by(reader.connection, reader.actor.person)),
        sampled=platform.to_review(reader, matter),
    )


def _callers(reader: Reader, matter: str, state: Incident) -> tuple[str, ...]:
    if state.caller_name is None:
        return ()
    return tuple(reader.open([(matter, state.caller_name)]).values())


def _look(platform: RunningPlatform, found: OnDesk, what: str, purpose: str = "") -> Look:
    reader, matter = found.reader, found.matter
    access = reader.access(matter.row.id)
    used = choose(reader.scope.grants, PRIVATE if matter.eyes.clear else READ, [access])
    assert used is not None
    return Look(
        at=platform.clock.now(),
        actor=reader.actor,
        what=what,
        outcome=_outcome(matter),
        matter=matter.row.id,
        role=used.role,
        organisation=used.organisation,
        why=matter.why,
        purpose=purpose,
        marks=_marks(found, used.role),
    )


def _outcome(matter: Opened) -> Outcome:
    if matter.state.erased:
        return "empty"
    return "shown" if matter.eyes.clear else "masked"


def _marks(found: OnDesk, role: str) -> tuple[str, ...]:
    """What the analytics cannot see later: whether an officer was off duty, and whether the caller
    bears the name of whoever looks or of somebody else here. Only that, never whose."""
    reader, marks = found.reader, []
    if role == "officer" and not found.who.crews:
        marks.append("off_duty")
    if found.matter.caller_name:
        same = namesakes(reader.connection, found.matter.caller_name)
        if reader.actor.person in same:
            marks.append("own_name")
        elif same:
            marks.append("colleague")
    return tuple(marks)


class Recorder(Protocol):
    """What recording needs of the running system (`api.platform.Platform` fits)."""

    @property
    def clock(self) -> Clock: ...
    @property
    def access(self) -> AccessLog: ...


def disclosed(
    platform: Recorder,
    actor: Actor,
    authority: Authority,
    what: str,
    *,
    count: int,
    subject: str = "",
) -> None:
    """Record that rows which are no matter are shown under a role's own right: call it before
    answering. `subject`: the filters, never a name."""
    platform.access.record(
        Look(
            at=platform.clock.now(),
            actor=actor,
            what=what,
            outcome="shown" if count else "empty",
            role=authority.role,
            organisation=authority.organisation,
            subject=subject,
            why=Justification("role"),
        )
    )


# --- what is refused ---------------------------------------------------------------------------


def denials(platform: RunningPlatform) -> Callable[[Exception, Scope], Awaitable[None]]:
    """The hook that records what somebody signed in asked for and was refused."""

    async def note(error: Exception, scope: Scope) -> None:
        found: SignedIn | None = scope["state"].get("signed_in")
        if found is None or not isinstance(error, Refused) or not is_denial(error.code):
            return
        look = _denied(error, scope, found.actor, platform.clock.now())
        await sync_to_thread(platform.access.record, look)

    return note


def denied_feed(platform: Recorder, actor: Actor, code: str) -> None:
    """Record that somebody asked for the live feed and was refused."""
    if is_denial(code):
        platform.access.record(
            Look(
                at=platform.clock.now(),
                actor=actor,
                what="list",
                outcome="denied",
                subject=f"live {code}",
            )
        )


def as_seen(platform: RunningPlatform, actor: Actor, matter: str, refused: Refused) -> Refused:
    """That a matter exists is for who may see it. Who may not is told to take another id, and the
    attempt stands in the log, so that nobody tries ids unseen."""
    if refused.code != "matter.exists" or _visible(platform, actor, matter):
        return refused
    hidden = Refused("matter.unusable")
    platform.access.record(
        Look(
            at=platform.clock.now(),
            actor=actor,
            what="change",
            outcome="denied",
            matter=matter,
            subject=f"report {hidden.code}",
        )
    )
    return hidden


def _visible(platform: RunningPlatform, actor: Actor, matter: str) -> bool:
    try:
        with platform.reader(actor) as reader:
            return reader.may_see(matter)
    except Refused:  # may report and read nothing
        return False


def is_denial(code: str) -> bool:
    """Whether a refusal is one of authority, or of visibility: what may not be seen is unknown."""
    hidden = STATUS.get(code) == 404 and code.endswith(".unknown") and code != _NO_ADDRESS
    return hidden or (STATUS.get(code) == 403 and code not in _NO_LOOK)


def _denied(error: Refused, scope: Any, actor: Actor, at: datetime) -> Look:
    handler: Any = scope["route_handler"]
    given = {name: str(value) for name, value in scope.get("path_params", {}).items()}
    matter = given.pop("matter", "").lower()
    plain = [f"{name}={value}" for name, value in given.items() if _PLAIN_ID.fullmatch(value)]
    asked = handler.opt.get(READS) or ("list" if scope.get("method") == "GET" else "change")
    return Look(
        at=at,
        actor=actor,
        what=asked if asked != "open" else "list",
        outcome="denied",
        matter=matter if _UUID.fullmatch(matter) else None,
        subject=" ".join([handler.operation_id or handler.handler_name, error.code, *plain]),
    )
