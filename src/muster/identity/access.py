"""Whose a matter is: the organisations that own it and those asked into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from muster.identity import tables
from muster.identity.authority import Access
from muster.journal.perform import Writer

#: What `keep` writes, for `Keeper.tables`.
TABLE = "matter_access"


def keep(writer: Writer, matter: str, before: Access, after: Access) -> None:
    """Bring the rows of a matter from `before` to `after`.

    Keys are organisations, by id or by path (the last word of a path is the id); the row gets the
    organisation's present path. Values are "own" or "asked". The command fails when an
    organisation is not known.
    """
    was, now = _by_id(before), _by_id(after)
    gone = [organisation for organisation in was if organisation not in now]
    new = {one: relation for one, relation in now.items() if was.get(one) != relation}
    if gone:
        writer.execute(tables.ACCESS_REMOVE, (matter, gone))
    if new:
        writer.execute(tables.ACCESS_ADD, (matter, list(new), list(new.values())))


def _by_id(access: Access) -> dict[str, str]:
    return {path.rpartition(".")[2]: relation for path, relation in access.items()}


def access_of(connection: Connection[Any], matters: Sequence[str]) -> Mapping[str, Access]:
    """Path -> relation of each matter; empty for one nobody owns or that does not exist."""
    found: dict[str, dict[str, str]] = {matter: {} for matter in matters}
    for matter, path, relation in tables.access_rows(connection, matters):
        found.setdefault(matter, {})[path] = relation
    return found
