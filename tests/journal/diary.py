"""The smallest kind of matter that shows all of the journal: a diary.

It has private words, a phone to be looked up by, a clock, a thing that only one diary may hold,
and an operation over two diaries at once. The journal is tested with it, and not with
incidents, so that it is tested as the part below all others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.clock import Clock
from muster.journal.context import Actor, Context, Due, Planned
from muster.journal.entry import Authority, Entry, Fact, Private, kinds_of, private
from muster.journal.perform import (
    Answer,
    Asked,
    Change,
    Journal,
    Keeper,
    MatterKind,
    Opening,
    Operation,
    Writer,
)
from muster.journal.refusal import Refused
from muster.journal.vault import Vault

TABLES = """
CREATE TABLE diary (
    matter uuid PRIMARY KEY,
    notes integer NOT NULL,
    last_item text NOT NULL,
    closed boolean NOT NULL
);
CREATE TABLE diary_thing (thing text PRIMARY KEY, matter uuid NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON diary, diary_thing TO muster_app;
"""


class DiaryOpened(Fact, frozen=True, kw_only=True):
    kind: ClassVar[str] = "diary.opened"
    lookups: ClassVar[Mapping[str, str]] = {"phone": "phone"}
    owner: Private | None = None
    phone: Private | None = None
    read_by: datetime | None = None


class DiaryNoted(Fact, frozen=True, kw_only=True):
    kind: ClassVar[str] = "diary.noted"
    text: Private
    read_by: datetime | None = None


class DiaryTook(Fact, frozen=True, kw_only=True):
    kind: ClassVar[str] = "diary.took"
    thing: str


class DiaryRang(Fact, frozen=True, kw_only=True):
    kind: ClassVar[str] = "diary.rang"
    name: str
    due: datetime


class DiaryClosed(Fact, frozen=True, kw_only=True):
    kind: ClassVar[str] = "diary.closed"


FACTS: tuple[type[Fact], ...] = (DiaryOpened, DiaryNoted, DiaryTook, DiaryRang, DiaryClosed)


class Diary(msgspec.Struct, frozen=True, kw_only=True):
    matter_kind: str = "diary"
    notes: int = 0
    last: Private = Private()
    things: frozenset[str] = frozenset()
    due: Mapping[str, datetime] = {}
    rang: tuple[str, ...] = ()
    closed: bool = False


def fold(state: Diary | None, entry: Entry) -> Diary:
    fact, was = entry.fact, state or Diary()
    if isinstance(fact, DiaryOpened):
        return Diary(due={"read": fact.read_by} if fact.read_by else {})
    if isinstance(fact, DiaryNoted):
        due = {"read": fact.read_by} if fact.read_by else was.due
        return msgspec.structs.replace(was, notes=was.notes + 1, last=fact.text, due=due)
    if isinstance(fact, DiaryTook):
        return msgspec.structs.replace(was, things=was.things | {fact.thing})
    if isinstance(fact, DiaryRang):
        return msgspec.structs.replace(was, due={}, rang=(*was.rang, fact.name))
    return msgspec.structs.replace(was, closed=True, due={})


class Open(msgspec.Struct, frozen=True, kw_only=True):
    owner: str | None = None
    phone: str | None = None
    read_by: datetime | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    read_by: datetime | None = None


class Both(msgspec.Struct, frozen=True):
    other: str
    text: str


class Take(msgspec.Struct, frozen=True):
    thing: str


class Close(msgspec.Struct, frozen=True):
    pass


def existing(state: Diary | None) -> Diary:
    if state is None:
        raise Refused("matter.unknown")
    if state.closed:
        raise Refused("state.wrong", state="closed")
    return state


def open_diary(state: Diary | None, asked: Open, context: Context[Any]) -> list[Fact]:
    if state is not None:
        raise Refused("matter.exists")
    return [
        DiaryOpened(owner=private(asked.owner), phone=private(asked.phone), read_by=asked.read_by)
    ]


def note(state: Diary | None, asked: Note, context: Context[Any]) -> list[Fact]:
    existing(state)
    return [DiaryNoted(text=Private(plain=asked.text), read_by=asked.read_by)]


def note_both(state: Diary | None, asked: Both, context: Context[Any]) -> list[Planned]:
    existing(state)
    existing(context.others.get(asked.other))
    fact = DiaryNoted(text=Private(plain=asked.text))
    return [Planned(fact), Planned(fact, matter=asked.other)]


def take(state: Diary | None, asked: Take, context: Context[str | None]) -> list[Fact]:
    existing(state)
    if context.read is not None:
        raise Refused("thing.taken", by=context.read)
    return [DiaryTook(thing=asked.thing)]


def holder(opening: Opening, asked: Take) -> str | None:
    row = opening.connection.execute(
        "SELECT matter::text FROM diary_thing WHERE thing = %s", (asked.thing,)
    ).fetchone()
    return row[0] if row else None


def close(state: Diary | None, asked: Close, context: Context[Any]) -> list[Fact]:
    existing(state)
    return [DiaryClosed()]


def ring(state: Diary | None, asked: Due, context: Context[Any]) -> list[Fact]:
    if state is None or state.due.get(asked.name) != asked.due:
        return []
    return [DiaryRang(name=asked.name, due=asked.due)]


OPEN = Operation(name="diary.open", input=Open, decide=open_diary)
NOTE = Operation(name="diary.note", input=Note, decide=note)
BOTH = Operation(name="diary.both", input=Both, decide=note_both, also=lambda asked: (asked.other,))
TAKE = Operation(
    name="diary.take",
    input=Take,
    decide=take,
    reads=holder,
    resources=lambda asked: (f"thing:{asked.thing}",),
)
CLOSE = Operation(name="diary.close", input=Close, decide=close)
RING = Operation(name="diary.ring", input=Due, decide=ring)


def keep(writer: Writer, change: Change) -> None:
    state: Diary = change.after
    writer.execute(
        "INSERT INTO diary (matter, notes, last_item, closed) VALUES (%s::uuid, %s, %s, %s)"
        " ON CONFLICT (matter) DO UPDATE SET notes = EXCLUDED.notes,"
        " last_item = EXCLUDED.last_item, closed = EXCLUDED.closed",
        (change.matter, state.notes, state.last.item, state.closed),
    )
    before = change.before.things if change.before is not None else frozenset()
    for thing in sorted(state.things - before):
        writer.execute(
            "INSERT INTO diary_thing (thing, matter) VALUES (%s, %s::uuid)", (thing, change.matter)
        )


KEEPER = Keeper("diaries", ("diary", "diary_thing"), keep)


class EveryoneBut:
    """An authoriser that refuses the people in `barred`; it asks the database something."""

    def __init__(self) -> None:
        self.barred: set[str] = set()

    def query(
        self, actor: Actor, operation: str, matters: Sequence[str]
    ) -> tuple[str, Sequence[Any]]:
        return "SELECT %s::text", (actor.person,)

    def judge(
        self, rows: Sequence[Any], actor: Actor, operation: str, organisation: str | None
    ) -> Authority:
        assert rows == [(actor.person,)]
        if actor.person in self.barred:
            raise Refused("authority.denied", operation=operation)
        return Authority("writer", organisation or "library")


class Shelf:
    """A journal of diaries over one database, with the words to use it shortly."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        *,
        clock: Clock,
        master: bytes,
        keepers: tuple[Keeper, ...] = (KEEPER,),
    ) -> None:
        self.pool, self.clock = pool, clock
        self.authoriser = EveryoneBut()
        self.vault = Vault(master)
        self.kind = MatterKind(
            prefix="diary", fold=fold, due=lambda state: state.due, keepers=keepers
        )
        self.journal = Journal(
            pool=pool,
            vault=self.vault,
            clock=clock,
            kinds=kinds_of(FACTS),
            matter_kinds=[self.kind],
            authoriser=self.authoriser,
        )

    def do(
        self,
        operation: Operation[Any, Any, Any],
        matter: str,
        asked: msgspec.Struct,
        *,
        command: str,
        person: str = "ann",
        **more: Any,
    ) -> Answer:
        return self.journal.perform(
            Asked(
                operation=operation,
                actor=Actor(person),
                matter=matter,
                input=asked,
                command=command,
                **more,
            )
        )

    def count(self, table: str) -> int:
        with self.pool.connection() as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def entries(self, matter: str) -> list[tuple[int, str]]:
        with self.pool.connection() as connection:
            return connection.execute(
                "SELECT number, kind FROM entry WHERE matter = %s::uuid ORDER BY number", (matter,)
            ).fetchall()


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0) … work(count - 1)` in threads that start at once; their results or errors."""
    results: list[Any] = [None] * count
    gate = threading.Barrier(count)

    def one(index: int) -> None:
        gate.wait()
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
