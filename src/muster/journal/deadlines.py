"""What is due when. Rows follow from the state of their matter, so a rebuild finds them again.

One ticker performs what is due; the command id comes from (matter, name, due), so a
deadline is neither lost over a restart nor fired twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import OperationalError

from muster.journal.context import Actor, Due

if TYPE_CHECKING:
    from psycopg import Connection

    from muster.journal.perform import Asked, Journal, Operation, Writer

BATCH = 200


def keep(
    writer: Writer, matter: str, before: Mapping[str, datetime], after: Mapping[str, datetime]
) -> None:
    """Bring the rows of a matter from `before` to `after`."""
    gone = [name for name in before if name not in after]
    new = {name: due for name, due in after.items() if before.get(name) != due}
    if gone:
        writer.execute(
            "DELETE FROM deadline WHERE matter = %s::uuid AND name = ANY(%s)", (matter, gone)
        )
    if new:
        writer.execute(
            "INSERT INTO deadline (matter, name, due)"
            " SELECT %s::uuid, * FROM unnest(%s::text[], %s::timestamptz[])"
            " ON CONFLICT (matter, name) DO UPDATE SET due = EXCLUDED.due",
            (matter, list(new), list(new.values())),
        )


def due_until(connection: Connection[Any], until: datetime) -> list[tuple[str, str, datetime]]:
    """The next deadlines up to `until`, earliest first: (matter, name, due)."""
    return connection.execute(
        "SELECT matter::text, name, due FROM deadline WHERE due <= %s"
        " ORDER BY due, matter, name LIMIT %s",
        (until, BATCH),
    ).fetchall()


def next_due(connection: Connection[Any]) -> datetime | None:
    """When the next deadline is due."""
    row = connection.execute("SELECT min(due) FROM deadline").fetchone()
    return row[0] if row else None


class Ticker:
    """Performs what is due. `operation_of(name)` gives the operation of a deadline's name."""

    def __init__(
        self, journal: Journal, operation_of: Callable[[str], Operation[Any, Any, Any]]
    ) -> None:
        self._journal, self._operation_of = journal, operation_of

    def run_due(self, until: datetime) -> int:
        """Perform every deadline due until then; returns how many.

        One that fails by a defect does not keep the others waiting: they are performed, then
        its error is raised. An unreachable database is raised at once.
        """
        done = 0
        failed: dict[tuple[str, str, datetime], Exception] = {}
        while True:
            with self._journal.pool.connection() as connection:
                rows = due_until(connection, until)
            fresh = [row for row in rows if row not in failed]
            for row in fresh:
                try:
                    self._journal.perform(self.asked(*row))
                    done += 1
                except OperationalError:
                    raise
                except Exception as error:
                    failed[row] = error
            if len(rows) < BATCH or not fresh:
                break
        if failed:
            raise next(iter(failed.values()))
        return done

    def asked(self, matter: str, name: str, due: datetime) -> Asked:
        from muster.journal.perform import Asked, derived_command

        return Asked(
            operation=self._operation_of(name),
            actor=Actor("system:clock"),
            matter=matter,
            input=Due(name, due),
            command=derived_command("deadline", matter, name, due.isoformat()),
        )
