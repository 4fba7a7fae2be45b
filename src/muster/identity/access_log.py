"""The access log: who looked at what, and why. Written before what was asked for leaves.

    log.record(Look(at=…, actor=…, what="export", outcome="shown", matter=…))

Rows are chained (`journal.chain`); one writer at a time takes all that wait, so that many who
look at once share one transaction.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity.looks import tables
from muster.identity.looks.look import Look
from muster.journal.context import Actor

#: The same person looking again, in the same session, at the same thing, seeing as much of it.
SAME_LOOK: Final = timedelta(minutes=15)
SAME_DENIAL: Final = timedelta(minutes=1)
REMEMBERED: Final = 20_000
#: Every single one of these is a row: reading about readers, and lifting a mask.
EACH: Final = frozenset(
    {"access_log.read", "audit.read", "caller.unmasked", "export", "backup", "track.opened"}
)

Key = tuple[str, ...]


@dataclass(eq=False)
class _Waiting:
    look: Look
    done: bool = False
    error: Exception | None = None


class AccessLog:
    """Threads share it. It has connections of its own: who records may hold one of the server's,
    and all of those held by people waiting here would be a deadlock."""

    def __init__(self, pool: ConnectionPool[Connection[Any]]) -> None:
        self._pool = pool
        self._noting, self._writing = threading.Lock(), threading.Lock()
        self._waiting: list[_Waiting] = []
        self._under_way: dict[Key, _Waiting] = {}
        self._last: OrderedDict[Key, datetime] = OrderedDict()

    def record(self, look: Look) -> None:
        """Returns when the row is committed; whatever keeps it from being so is raised, and then
        nothing may be shown. A look that is the same as one just recorded adds no row."""
        key = _key(look)
        with self._noting:
            if self._is_same(key, look):
                return
            mine = self._under_way.get(key) if key else None
            if mine is None:
                mine = _Waiting(look)
                self._waiting.append(mine)
                if key:
                    self._under_way[key] = mine
        with self._writing:
            if not mine.done:
                self._write_all()
        if mine.error is not None:
            raise mine.error

    def close(self) -> None:
        self._pool.close()

    def _write_all(self) -> None:
        with self._noting:
            batch, self._waiting = self._waiting, []
        error: Exception | None = None
        try:
            write(self._pool, [one.look for one in batch])
        except Exception as raised:
            error = raised
        with self._noting:
            for one in batch:
                one.done, one.error = True, error
                key = _key(one.look)
                if key:
                    del self._under_way[key]
                    if error is None:
                        self._remember(key, one.look.at)

    def _is_same(self, key: Key | None, look: Look) -> bool:
        last = self._last.get(key) if key else None
        window = SAME_DENIAL if look.outcome == "denied" else SAME_LOOK
        return last is not None and abs(look.at - last) < window

    def _remember(self, key: Key, at: datetime) -> None:
        self._last[key] = at
        self._last.move_to_end(key)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)


def write(pool: ConnectionPool[Connection[Any]], looks: Sequence[Look]) -> None:
    """Rows in one transaction of their own: for whoever has no `AccessLog`, such as a command."""
    with pool.connection() as connection:
        tables.append(connection, looks)


def was_unmasked(connection: Connection[Any], actor: Actor, matter: str, since: datetime) -> bool:
    """Whether this session lifted the mask of a matter since then."""
    at = tables.last_shown(
        connection,
        person=actor.person,
        session=actor.session,
        matter=matter,
        what="caller.unmasked",
    )
    return at is not None and at > since


def _key(look: Look) -> Key | None:
    """What makes two looks the same; None for what is always recorded."""
    if look.what in EACH and look.outcome != "denied":
        return None
    return (
        look.actor.person,
        look.actor.session,
        look.what,
        look.matter or "",
        look.subject,
        look.outcome,
        look.why.code,
    )
