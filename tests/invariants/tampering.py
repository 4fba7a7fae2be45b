"""Attacks of somebody who owns the database: each does something behind the journal's back and
says where it must be found.

An attack is (town, chance) → Expected; every one runs in a transaction that is
rolled back. Triggers are off: the owner can do that.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql

#: Where a fault must be named: (table, matter, number); None matches anything.
Place = tuple[str | None, str | None, int | None]


@dataclass(frozen=True)
class Expected:
    """At least one of `places` must be among the faults."""

    places: tuple[Place, ...]
    what: str = ""

    def met(self, faults: Any) -> bool:
        return any(
            (table is None or fault.table == table)
            and (matter is None or fault.matter == matter)
            and (number is None or fault.number == number)
            and (not self.what or fault.what == self.what)
            for fault in faults
            for table, matter, number in self.places
        )


@dataclass
class Town:
    """The open transaction of the attacker, and shortcuts."""

    connection: psycopg.Connection[Any]
    chained: tuple[str, ...] = ("audit", "access_log")
    kept: tuple[str, ...] = field(default_factory=tuple)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        return self.connection.execute(statement.encode(), values).fetchall()

    def do(self, statement: str, *values: Any) -> None:
        cursor = self.connection.execute(statement.encode(), values)
        assert cursor.rowcount > 0, f"the attack changed nothing: {statement}"

    def entry(self, chance: random.Random, where: str = "true") -> tuple[str, int]:
        """Some entry: (matter, number)."""
        found = self.rows(
            f"SELECT matter::text, number FROM entry WHERE {where} ORDER BY matter, number"
        )
        matter, number = chance.choice(found)
        return matter, number

    def long_matter(self, chance: random.Random) -> tuple[str, int]:
        """A matter with at least five entries, and its last number."""
        found = self.rows(
            "SELECT matter::text, max(number) FROM entry GROUP BY 1 HAVING max(number) >= 5"
            " ORDER BY 1"
        )
        matter, number = chance.choice(found)
        return matter, number


def bent(data: bytes, chance: random.Random) -> bytes:
    """One bit of one byte is another."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def bend(town: Town, chance: random.Random, table: str, column: str, where: str) -> None:
    """Change one byte of a bytea column of the row that `where` names."""
    ((data,),) = town.rows(f"SELECT {column} FROM {table} WHERE {where}")
    town.do(f"UPDATE {table} SET {column} = %s WHERE {where}", bent(bytes(data), chance))


def at(matter: str, number: int) -> str:
    return f"matter = '{matter}' AND number = {number}"


# --- entries -----------------------------------------------------------------------------------


def entry_byte(town: Town, chance: random.Random) -> Expected:
    matter, number = town.entry(chance)
    bend(town, chance, "entry", chance.choice(["bytes", "hash"]), at(matter, number))
    return Expected((("entry", matter, number),))


def entry_column(town: Town, chance: random.Random) -> Expected:
    matter, number = town.entry(chance)
    column, value = chance.choice(
        [
            ("kind", "'incident.urged'"),
            ("happened_at", "happened_at + interval '1 microsecond'"),
            ("recorded_at", "recorded_at - interval '1 second'"),
            ("actor", "actor || 'x'"),
            ("command", "gen_random_uuid()::text"),
            ("position", "nextval('journal_position')"),
        ]
    )
    if column == "kind":
        matter, number = town.entry(chance, "kind <> 'incident.urged'")
    town.do(f"UPDATE entry SET {column} = {value} WHERE {at(matter, number)}")
    return Expected((("entry", matter, number), ("feed", matter, number)))


def entry_removed(town: Town, chance: random.Random) -> Expected:
    matter, number = town.entry(chance)
    town.do(f"DELETE FROM entry WHERE {at(matter, number)}")
    return Expected(((None, matter, number), ("entry", matter, number + 1)))


def entry_moved(town: Town, chance: random.Random) -> Expected:
    """To the end of its matter, or of another one."""
    matter, number = town.entry(chance, "number < 3")
    other = chance.choice([matter, town.entry(chance)[0]])
    ((last,),) = town.rows("SELECT max(number) FROM entry WHERE matter = %s::uuid", other)
    town.do(f"UPDATE entry SET matter = '{other}', number = {last + 1} WHERE {at(matter, number)}")
    return Expected((("entry", other, last + 1),))


def entries_swapped(town: Town, chance: random.Random) -> Expected:
    matter, last = town.long_matter(chance)
    one, other = sorted(chance.sample(range(1, last + 1), 2))
    town.do(
        "WITH pair AS (SELECT number, bytes, hash FROM entry WHERE matter = %s::uuid AND number IN"
        " (%s, %s)) UPDATE entry e SET bytes = p.bytes, hash = p.hash FROM pair p"
        " WHERE e.matter = %s::uuid AND e.number IN (%s, %s) AND p.number <> e.number",
        *(matter, one, other, matter, one, other),
    )
    return Expected((("entry", matter, one),))


def added(town: Town, matter: str, command: str) -> int:
    """A well-chained entry at the end of a matter, with its feed row; returns its number."""
    (row,) = town.rows(
        "SELECT number, bytes, hash FROM entry WHERE matter = %s::uuid"
        " ORDER BY number DESC LIMIT 1",
        matter,
    )
    said = json.loads(bytes(row[1]))
    said |= {"number": row[0] + 1, "previous": bytes(row[2]).hex(), "command": command}
    data = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    town.do(
        "WITH e AS (INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor,"
        " command, bytes, hash) SELECT matter, number + 1, kind, happened_at, recorded_at, actor,"
        " %s, %s, %s FROM entry WHERE matter = %s::uuid AND number = %s"
        " RETURNING position, matter, number)"
        " INSERT INTO feed (position, matter, number) SELECT position, matter, number FROM e",
        *(command, data, sha256(data).digest(), matter, row[0]),
    )
    return int(row[0]) + 1


def entry_added(town: Town, chance: random.Random) -> Expected:
    """With no command, or in the name of one that was really given."""
    matter, _ = town.entry(chance)
    commands = town.rows("SELECT command FROM command ORDER BY recorded_at, command")
    command = chance.choice(
        [str(uuid.UUID(int=chance.getrandbits(128))), chance.choice(commands)[0]]
    )
    return Expected((("entry", matter, added(town, matter, command)),))


def entry_and_command_added(town: Town, chance: random.Random) -> Expected:
    """A command with a seal that somebody without the master key made up, or with none."""
    matter, _ = town.entry(chance)
    command = str(uuid.UUID(int=chance.getrandbits(128)))
    number = added(town, matter, command)
    ((kind, actor, recorded_at),) = town.rows(
        f"SELECT kind, actor, recorded_at FROM entry WHERE {at(matter, number)}"
    )
    from muster.journal.entry import canonical
    from muster.journal.perform import Answer, EntryRef

    answer = canonical(Answer(command, matter, (EntryRef(matter, number, kind),), recorded_at))
    mac = chance.choice([None, chance.randbytes(32)])
    town.do(
        "INSERT INTO command (actor, command, operation, input_digest, answer, recorded_at, mac)"
        " VALUES (%s, %s, 'incident.remark', %s, %s, %s, %s)",
        *(actor, command, "0" * 64, answer, recorded_at, mac),
    )
    return Expected((("command", matter, 0),))


CLEAN = (
    "DELETE FROM feed WHERE matter = '{m}' AND number >= {n}",
    "DELETE FROM command c USING entry e WHERE e.matter = '{m}' AND e.number >= {n}"
    " AND c.actor = e.actor AND c.command = e.command",
    "DELETE FROM vault_item WHERE matter = '{m}' AND split_part(item, '.', 1)::int >= {n}",
    "DELETE FROM entry WHERE matter = '{m}' AND number >= {n}",
)


def tail_cut(town: Town, chance: random.Random) -> Expected:
    """With everything that hangs on it: within itself the journal is whole."""
    matter, last = town.long_matter(chance)
    number = chance.randint(2, last)
    for statement in CLEAN:
        town.connection.execute(statement.format(m=matter, n=number).encode())
    return Expected((("entry", matter, last),), "cut")


def matter_removed(town: Town, chance: random.Random) -> Expected:
    matter, _ = town.entry(chance)
    ((last,),) = town.rows("SELECT max(number) FROM entry WHERE matter = %s::uuid", matter)
    for statement in CLEAN:
        town.connection.execute(statement.format(m=matter, n=1).encode())
    for table in ("vault_key", "vault_lookup", *town.kept):
        town.connection.execute(
            sql.SQL("DELETE FROM {} WHERE matter = %s::uuid").format(sql.Identifier(table)),
            (matter,),
        )
    return Expected((("entry", matter, last),), "removed")


def history_rewritten(town: Town, chance: random.Random) -> Expected:
    """One entry says something else, and every hash after it is made anew."""
    matter, last = town.long_matter(chance)
    changed = chance.randint(1, last)
    previous = "0" * 64
    for number, data in town.rows(
        "SELECT number, bytes FROM entry WHERE matter = %s::uuid ORDER BY number", matter
    ):
        said = json.loads(bytes(data)) | {"previous": previous}
        if number == changed:
            said["clock_offset_ms"] += 1
        fresh = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        previous = sha256(fresh).hexdigest()
        town.do(
            f"UPDATE entry SET bytes = %s, hash = %s WHERE {at(matter, number)}",
            *(fresh, bytes.fromhex(previous)),
        )
    return Expected((("entry", matter, last),), "otherwise")


# --- chained tables ----------------------------------------------------------------------------


def numbers(town: Town, table: str) -> list[int]:
    return [row[0] for row in town.rows(f"SELECT number FROM {table} ORDER BY number")]


def chain_byte(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(town.chained)
    number = chance.choice(numbers(town, table))
    bend(town, chance, table, chance.choice(["body", "previous", "hash"]), f"number = {number}")
    return Expected(((table, "", number),))


def chain_column(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(town.chained)
    number = chance.choice(numbers(town, table))
    columns = {
        "audit": ["table_name", "actor", "reason", "recorded_at"],
        "access_log": ["actor", "what", "purpose", "justification", "subject", "matter"],
    }
    column = chance.choice(columns[table])
    value = f"{column} || 'x'"
    if column == "recorded_at":
        value = "recorded_at + interval '1 hour'"
    elif column == "matter":
        value = "gen_random_uuid()"
    town.do(f"UPDATE {table} SET {column} = {value} WHERE number = {number}")
    return Expected(((table, "", number),))


def chain_row_removed(town: Town, chance: random.Random) -> Expected:
    """From the middle the next row tells; from the end the checkpoint does."""
    table = chance.choice(town.chained)
    known = numbers(town, table)
    place = chance.randrange(len(known))
    town.do(f"DELETE FROM {table} WHERE number = {known[place]}")
    told = known[place + 1] if place + 1 < len(known) else known[-1]
    return Expected(((table, "", told),))


def chain_rows_swapped(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(town.chained)
    one, other = sorted(chance.sample(numbers(town, table), 2))
    if chance.random() < 0.5:
        columns = "body = p.body, previous = p.previous, hash = p.hash"
    else:
        columns = "body = p.body"
    town.do(
        f"WITH p AS (SELECT number, body, previous, hash FROM {table} WHERE number IN (%s, %s))"
        f" UPDATE {table} t SET {columns} FROM p"
        " WHERE t.number IN (%s, %s) AND p.number <> t.number",
        *(one, other, one, other),
    )
    return Expected(((table, "", one),))


def chain_emptied(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(town.chained)
    town.do(f"DELETE FROM {table}")
    return Expected(((table, "", None),), "cut")


# --- checkpoints and keys ----------------------------------------------------------------------


def checkpoint_byte(town: Town, chance: random.Random) -> Expected:
    table, column = chance.choice(
        [
            ("checkpoint", "body"),
            ("checkpoint", "hash"),
            ("checkpoint", "signature"),
            ("signing_key", "body"),
            ("signing_key", "signature"),
        ]
    )
    number = chance.choice(numbers(town, table))
    bend(town, chance, table, column, f"number = {number}")
    return Expected(((table, "", number),))


def checkpoint_removed(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(["checkpoint", "signing_key"])
    known = numbers(town, table)
    number = chance.choice(known)
    town.do(f"DELETE FROM {table} WHERE number = {number}")
    return Expected(((table, "", number), (table, "", known[-1])))


def checkpoints_swapped(town: Town, chance: random.Random) -> Expected:
    one, other = sorted(chance.sample(numbers(town, "checkpoint"), 2))
    town.do(
        "WITH p AS (SELECT * FROM checkpoint WHERE number IN (%s, %s)) UPDATE checkpoint t"
        " SET body = p.body, hash = p.hash, signature = p.signature FROM p"
        " WHERE t.number IN (%s, %s) AND p.number <> t.number",
        *(one, other, one, other),
    )
    return Expected((("checkpoint", "", one),))


Attack = Callable[[Town, random.Random], Expected]

#: How often each is tried among the two hundred.
ATTACKS: dict[Attack, int] = {
    entry_byte: 24,
    entry_column: 16,
    entry_removed: 10,
    entry_moved: 6,
    entries_swapped: 6,
    entry_added: 8,
    entry_and_command_added: 6,
    tail_cut: 8,
    matter_removed: 6,
    history_rewritten: 10,
    chain_byte: 14,
    chain_column: 10,
    chain_row_removed: 8,
    chain_rows_swapped: 6,
    chain_emptied: 2,
    checkpoint_byte: 10,
    checkpoint_removed: 4,
    checkpoints_swapped: 2,
}
