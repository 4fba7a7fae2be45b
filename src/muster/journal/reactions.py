"""What follows from a lower part's fact: performed by the system, once, also after a crash.

The reactor tails the feed with a cursor kept in the database. The command id of what it
performs comes from the entry that caused it, so that a repeated page changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import OperationalError

from muster.journal import feed
from muster.journal.entry import Entry
from muster.journal.perform import Asked, Journal
from muster.journal.refusal import Conflict, Refused

ATTEMPTS = 5
CURSOR = "reactor"


@dataclass(frozen=True)
class Reaction:
    """`react(entry)` gives the commands that follow from an entry of one of `kinds`. It is
    asked again, up to five times, when the world moved on and a command was refused with one
    of `again_on`; any other refusal means there is nothing left to do."""

    name: str
    kinds: frozenset[str]
    react: Callable[[Entry], Sequence[Asked]]
    again_on: frozenset[str] = frozenset()


class Reactor:
    """Runs the listed reactions in order for every entry of the feed."""

    def __init__(self, journal: Journal, reactions: Sequence[Reaction]) -> None:
        self._journal, self._reactions = journal, reactions
        self.kinds = frozenset(kind for one in reactions for kind in one.kinds)

    def run_once(self) -> int:
        """React to all that is in the feed now; returns how many entries were looked at.

        An entry whose reaction fails by a defect does not keep the later ones waiting, but the
        kept cursor stays before it, so that it is tried again; its error is raised at the end.
        """
        seen = 0
        failure: Exception | None = None
        with self._journal.pool.connection() as connection:
            cursor = self._cursor(connection)
        while True:
            with self._journal.pool.connection() as connection:
                page = feed.read(connection, self._journal.kinds, cursor)
            for entry in page.entries:
                try:
                    self._react(entry)
                except OperationalError:
                    raise
                except Exception as error:
                    failure = failure or error
            if page.cursor != cursor and failure is None:
                with self._journal.pool.connection() as connection:
                    self._remember(connection, page.cursor)
            cursor, seen = page.cursor, seen + len(page.entries)
            if not page.more:
                break
        if failure is not None:
            raise failure
        return seen

    def _react(self, entry: Entry) -> None:
        for reaction in self._reactions:
            if entry.kind not in reaction.kinds:
                continue
            for _ in range(ATTEMPTS):
                if self._tried(reaction, entry):
                    break

    def _tried(self, reaction: Reaction, entry: Entry) -> bool:
        try:
            for asked in reaction.react(entry):
                self._journal.perform(asked)
        except Conflict:
            return False
        except Refused as refused:
            return refused.code not in reaction.again_on
        return True

    def _cursor(self, connection: Any) -> str:
        row = connection.execute(
            "SELECT cursor FROM reaction_cursor WHERE name = %s", (CURSOR,)
        ).fetchone()
        return str(row[0]) if row else feed.START

    def _remember(self, connection: Any, cursor: str) -> None:
        connection.execute(
            "INSERT INTO reaction_cursor (name, cursor) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET cursor = EXCLUDED.cursor",
            (CURSOR, cursor),
        )
