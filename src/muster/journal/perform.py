"""`perform`: the one way a matter changes.

Two round trips to the database for most commands: one locks, authorises and reads, the
other appends, keeps and commits. Locks come first because optimistic appends fought each
other under load (see ARCHITECTURE.md); the primary key (matter, number) stays as the guard.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg_pool import ConnectionPool

from muster.journal import deadlines, vault
from muster.journal.append import Batch
from muster.journal.clock import Clock, monotonic
from muster.journal.context import Actor, Context, Decided, Planned
from muster.journal.entry import (
    Authority,
    Entry,
    Kinds,
    Private,
    canonical,
    check_input,
    decode,
    digest,
)
from muster.journal.erasing import renew_key
from muster.journal.refusal import Conflict, Refused

I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an operation's input
S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True)
class Opening:
    """What an operation's `reads` may use inside the transaction: the connection, the time
    of the command and the vault items of its matters."""

    connection: Connection[Any]
    matter: str
    state: Any
    now: datetime
    open: Callable[[str, Private], str]
    others: Mapping[str, Any]


@dataclass(frozen=True)
class Operation(Generic[I, S, R]):
    """One thing people can do to a matter.

    `decide(state, input, context)` is pure: facts, or a raised Refused. `state` is None for
    a matter that does not exist yet. `resources` names what several matters contend for
    (`unit:…`), `also` the other matters that are read or changed; both are locked first.
    `after_erasure`: may add facts to an erased matter.
    """

    name: str
    input: type[I]
    decide: Callable[[S, I, Context[R]], Decided]
    reads: Callable[[Opening, I], R] = lambda _opening, _input: None  # type: ignore[assignment,return-value]
    resources: Callable[[I], Sequence[str]] = lambda _input: ()
    also: Callable[[I], Sequence[str]] = lambda _input: ()
    organisation: Callable[[I], str | None] = lambda _input: None
    after_erasure: bool = False


Keep = Callable[["Writer", "Change"], None]


@dataclass(frozen=True)
class Change:
    """What one command did to one matter: the states around its new entries."""

    matter: str
    before: Any
    after: Any
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Keeper:
    """A projection: `keep(writer, change)` writes `tables` from the state after the change."""

    name: str
    tables: tuple[str, ...]
    keep: Keep


@dataclass(frozen=True)
class MatterKind:
    """One kind of matter: facts whose kind starts with `prefix` open it, `fold` makes its state."""

    prefix: str
    fold: Callable[[Any, Entry], Any]
    due: Callable[[Any], Mapping[str, datetime]]
    keepers: tuple[Keeper, ...]


class Writer:
    """Queues statements of keepers into the command's second round trip."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._cursor = connection.cursor()

    def execute(self, statement: str, values: Sequence[Any]) -> None:
        self._cursor.execute(statement.encode(), values)


class Authoriser(Protocol):
    """identity's judgement, in the command's transaction. `query` is queued into the first
    round trip; `judge` turns its rows into the authority used, or raises Refused."""

    def query(
        self, actor: Actor, operation: str, matters: Sequence[str]
    ) -> tuple[str, Sequence[Any]]: ...

    def judge(
        self, rows: Sequence[Any], actor: Actor, operation: str, organisation: str | None
    ) -> Authority: ...


class EntryRef(msgspec.Struct, frozen=True):
    matter: str
    number: int
    kind: str


class Answer(msgspec.Struct, frozen=True):
    """What a command did. The same command id gets the same answer for ever."""

    command: str
    matter: str
    entries: tuple[EntryRef, ...]
    recorded_at: datetime


@dataclass(frozen=True)
class Asked:
    """One command on its way through `perform`."""

    operation: Operation[Any, Any, Any]
    actor: Actor
    matter: str
    input: Any
    command: str
    cause: str = ""
    clock_offset_ms: int = 0
    happened_at: datetime | None = None

    @property
    def matters(self) -> tuple[str, ...]:
        return (self.matter, *self.operation.also(self.input))

    @property
    def said(self) -> bytes:
        """What is asked, as bytes: the same again is the same command."""
        return canonical([self.operation.name, self.matter, self.input])


@dataclass(frozen=True)
class Found:
    """What the first round trip brought back."""

    authority: Authority
    earlier: tuple[str, bytes] | None
    entries: Mapping[str, list[Entry]]
    wrapped: Mapping[str, bytes]
    erased: frozenset[str]


def lock_key(name: str) -> int:
    """The advisory lock number of a command, matter or resource."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


_OPEN = b"SELECT * FROM journal_open(%s::bigint[], %s, %s, %s::uuid[])"


class Journal:
    """The open journal of a running system. Threads share it."""

    def __init__(
        self,
        *,
        pool: ConnectionPool[Connection[Any]],
        vault: vault.Vault,
        clock: Clock,
        kinds: Kinds,
        matter_kinds: Iterable[MatterKind],
        authoriser: Authoriser,
    ) -> None:
        self.pool, self.vault, self.clock, self.kinds = pool, vault, clock, kinds
        self.matter_kinds = {kind.prefix: kind for kind in matter_kinds}
        self.authoriser = authoriser
        self.appended: Callable[[Answer], None] = lambda _answer: None
        self.performed: Callable[[str, str, float], None] = lambda _name, _outcome, _seconds: None

    def perform(self, asked: Asked) -> Answer:
        """Decide and apply one command in one transaction.

        Raises Refused (expected; nothing written), Conflict (try again), and whatever a
        defect or a lost database raises (nothing written, or the commit's fate unknown:
        asking again with the same command id tells).
        """
        check_input(asked.input)
        began, outcome = monotonic(), "failed"
        try:
            with self.pool.connection() as connection:
                answer, fresh = self._perform(connection, asked)
            outcome = "done" if fresh else "repeated"
        except Refused:
            outcome = "refused"
            raise
        except UniqueViolation as error:
            outcome = "conflict"
            raise Conflict(str(error.diag.constraint_name)) from error
        finally:
            self.performed(asked.operation.name, outcome, monotonic() - began)
        if fresh:
            self.appended(answer)
        return answer

    def _perform(self, connection: Connection[Any], asked: Asked) -> tuple[Answer, bool]:
        found = self._open(connection, asked)
        if found.earlier is not None:
            input_digest, answer = found.earlier
            if not self._same_input(input_digest, asked):
                raise Refused("command.reused", command=asked.command)
            return msgspec.json.decode(answer, type=Answer), False
        states = {matter: self.fold(found.entries.get(matter, ())) for matter in asked.matters}
        planned = self._decide(connection, asked, found, states)
        return self._append(connection, asked, found, states, planned), True

    def _same_input(self, known: str, asked: Asked) -> bool:
        if known.startswith(vault.KEYED):
            return known == self.vault.input_digest(asked.said)
        return known == digest(asked.said)  # answered by release 0.1.0

    def _open(self, connection: Connection[Any], asked: Asked) -> Found:
        """First round trip: lock, then read under the locks."""
        operation, matters = asked.operation, list(asked.matters)
        locks = [f"command:{asked.actor.person}:{asked.command}"]
        locks += sorted(f"matter:{matter}" for matter in set(matters))
        locks += sorted(set(operation.resources(asked.input)))
        query, values = self.authoriser.query(asked.actor, operation.name, matters)
        # As text: psycopg takes far longer to write a list than PostgreSQL to read one.
        taken = "{" + ",".join(str(lock_key(name)) for name in locks) + "}"
        named = "{" + ",".join(matters) + "}"
        with connection.pipeline():
            stored = connection.execute(_OPEN, (taken, asked.actor.person, asked.command, named))
            rights = connection.execute(query.encode(), values)
            authority = self.authoriser.judge(
                rights.fetchall(), asked.actor, operation.name, operation.organisation(asked.input)
            )
            return self._found(authority, stored.fetchall())

    def _found(self, authority: Authority, rows: Sequence[Any]) -> Found:
        earlier: tuple[str, bytes] | None = None
        entries: dict[str, list[Entry]] = {}
        wrapped: dict[str, bytes] = {}
        erased = set()
        for tag, name, one, two in rows:
            if tag == 0:
                earlier = (name, one)
            elif tag == 1:
                entries.setdefault(name, []).append(decode(one, self.kinds, two.hex()))
            else:
                if one is not None:
                    wrapped[name] = one
                if two is not None:
                    erased.add(name)
        return Found(authority, earlier, entries, wrapped, frozenset(erased))

    def fold(self, entries: Iterable[Entry]) -> Any:
        """The state after `entries`, or None when there are none."""
        state: Any = None
        kind: MatterKind | None = None
        for entry in entries:
            kind = kind or self.kind_of(entry)
            state = kind.fold(state, entry)
        return state

    def kind_of(self, first: Entry) -> MatterKind:
        return self.matter_kinds[first.kind.partition(".")[0]]

    def _decide(
        self, connection: Connection[Any], asked: Asked, found: Found, states: Mapping[str, Any]
    ) -> list[Planned]:
        now = self.clock.now()
        others = {matter: state for matter, state in states.items() if matter != asked.matter}

        def opened(matter: str, item: Private) -> str:
            key = self.vault.unwrap(matter, found.wrapped[matter])
            return read_item(connection, key, matter=matter, item=item)

        opening = Opening(connection, asked.matter, states[asked.matter], now, opened, others)
        context = Context(
            matter=asked.matter,
            now=now,
            actor=asked.actor,
            authority=found.authority,
            read=asked.operation.reads(opening, asked.input),
            others=others,
        )
        decided = asked.operation.decide(states[asked.matter], asked.input, context)
        planned = [each if isinstance(each, Planned) else Planned(each) for each in decided]
        for each in planned:
            erased = (each.matter or asked.matter) in found.erased
            if erased and not asked.operation.after_erasure:
                raise Refused("matter.erased", matter=each.matter or asked.matter)
        return planned

    def _append(
        self,
        connection: Connection[Any],
        asked: Asked,
        found: Found,
        states: Mapping[str, Any],
        planned: Sequence[Planned],
    ) -> Answer:
        """Second round trip: entries, vault, keepers, answer, commit."""
        now = self.clock.now()
        batch = Batch(self, asked, found, now)
        for each in planned:
            batch.add(each)
        answer = Answer(
            command=asked.command,
            matter=asked.matter,
            entries=tuple(EntryRef(e.matter, e.number, e.kind) for e in batch.entries),
            recorded_at=now,
        )
        with connection.pipeline():
            writer = Writer(connection)
            batch.write(writer, canonical(answer))
            for matter, entries in batch.by_matter().items():
                self.keep(writer, matter, states.get(matter), entries)
            renewed = sorted({one.matter for one in batch.entries if one.fact.renews_key})
            if not renewed:
                connection.commit()
        for matter in renewed:
            renew_key(connection, self.vault, matter)
        if renewed:
            connection.commit()
        return answer

    def keep(self, writer: Writer, matter: str, before: Any, entries: Sequence[Entry]) -> Any:
        """Run the keepers of a matter for its new entries; returns the state after them."""
        state = before
        kind = state_kind(self, before, entries)
        for entry in entries:
            state = kind.fold(state, entry)
        change = Change(matter, before, state, entries)
        for keeper in kind.keepers:
            keeper.keep(writer, change)
        due_before = kind.due(before) if before is not None else {}
        deadlines.keep(writer, matter, due_before, kind.due(state))
        return state


def state_kind(journal: Journal, before: Any, entries: Sequence[Entry]) -> MatterKind:
    """The kind of a matter: told by its state, or by its first entry."""
    if before is None:
        return journal.kind_of(entries[0])
    return journal.matter_kinds[before.matter_kind]


def read_item(
    connection: Connection[Any], key: vault.MatterKey, *, matter: str, item: Private
) -> str:
    """The plaintext of a sealed field. Raises Refused when it was erased."""
    row = connection.execute(
        b"SELECT data FROM vault_item WHERE matter = %s::uuid AND item = %s", (matter, item.item)
    ).fetchone()
    if row is None:
        raise Refused("matter.erased", matter=matter)
    return vault.open_item(bytes(row[0]), key, matter=matter, item=item.item)


def derived_command(*parts: str) -> str:
    """The command id of what follows from a cause: the same cause, the same id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "muster:" + "|".join(parts)))
