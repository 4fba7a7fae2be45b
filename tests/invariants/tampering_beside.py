"""Attacks on what stands beside the entries: vault, erasures, commands, the feed, kept tables."""

from __future__ import annotations

import contextlib
import random
import uuid

from psycopg.errors import CheckViolation

from tests.invariants.tampering import Attack, Expected, Town, at, bend, bent

# --- the vault ---------------------------------------------------------------------------------


def vault_item(town: Town, chance: random.Random) -> tuple[str, str]:
    found = town.rows("SELECT matter::text, item FROM vault_item ORDER BY matter, item")
    matter, item = chance.choice(found)
    return matter, item


def item_number(item: str) -> int:
    return int(item.partition(".")[0])


def vault_byte(town: Town, chance: random.Random) -> Expected:
    matter, item = vault_item(town, chance)
    bend(town, chance, "vault_item", "data", f"matter = '{matter}' AND item = '{item}'")
    return Expected((("vault_item", matter, item_number(item)),), "seal")


def vault_moved(town: Town, chance: random.Random) -> Expected:
    matter, item = vault_item(town, chance)
    to = chance.choice([f"matter = '{uuid.UUID(int=chance.getrandbits(128))}'", "item = '99.x'"])
    town.do("UPDATE vault_item SET " + to + " WHERE matter = %s::uuid AND item = %s", matter, item)
    return Expected((("vault_item", matter, item_number(item)),), "missing")


def vault_swapped(town: Town, chance: random.Random) -> Expected:
    """Two ciphertexts, of one matter or of two."""
    (one, item), (other, beside) = vault_item(town, chance), vault_item(town, chance)
    while (one, item) == (other, beside):
        other, beside = vault_item(town, chance)
    data = "SELECT data FROM vault_item WHERE matter = %s::uuid AND item = %s"
    ((first,),), ((second,),) = town.rows(data, one, item), town.rows(data, other, beside)
    change = "UPDATE vault_item SET data = %s WHERE matter = %s::uuid AND item = %s"
    town.do(change, second, one, item)
    town.do(change, first, other, beside)
    return Expected((("vault_item", one, item_number(item)),), "seal")


def vault_removed(town: Town, chance: random.Random) -> Expected:
    matter, item = vault_item(town, chance)
    town.do("DELETE FROM vault_item WHERE matter = %s::uuid AND item = %s", matter, item)
    return Expected((("vault_item", matter, item_number(item)),), "missing")


def key_attacked(town: Town, chance: random.Random) -> Expected:
    found = town.rows("SELECT matter::text FROM vault_key ORDER BY matter")
    (matter,), (other,) = chance.sample(found, 2)
    how = chance.choice(["byte", "removed", "swapped"])
    if how == "byte":
        bend(town, chance, "vault_key", "wrapped", f"matter = '{matter}'")
    elif how == "removed":
        town.do("DELETE FROM vault_key WHERE matter = %s::uuid", matter)
    else:
        town.do(
            "UPDATE vault_key SET wrapped = (SELECT wrapped FROM vault_key WHERE matter = %s::uuid)"
            " WHERE matter = %s::uuid",
            *(other, matter),
        )
    return Expected((("vault_key", matter, 0),))


def lookup_attacked(town: Town, chance: random.Random) -> Expected:
    found = town.rows("SELECT matter::text, kind, keyed FROM vault_lookup ORDER BY matter, kind")
    matter, kind, keyed = chance.choice(found)
    where = " WHERE matter = %s::uuid AND kind = %s AND keyed = %s"
    change = chance.choice(["DELETE FROM vault_lookup", "UPDATE vault_lookup SET keyed = '\\x00'"])
    town.do(change + where, matter, kind, keyed)
    return Expected((("vault_lookup", matter, 0),))


# --- erasures, commands, the feed --------------------------------------------------------------


def erasure_attacked(town: Town, chance: random.Random) -> Expected:
    table = chance.choice(["erasure", "erased_part"])
    (matter,) = chance.choice(town.rows(f"SELECT matter::text FROM {table} ORDER BY matter"))
    change = chance.choice(
        [
            "DELETE FROM {t}",
            "UPDATE {t} SET reason = reason || 'x'",
            "UPDATE {t} SET actor = 'x'",
            "UPDATE {t} SET erased_at = erased_at - interval '1 day'",
            *(["UPDATE {t} SET items = items || ARRAY['1.x']"] if table == "erased_part" else []),
        ]
    )
    town.do(change.format(t=table) + " WHERE matter = %s::uuid", matter)
    return Expected((("erasure", matter, None), (table, matter, None)))


def erasure_made_up(town: Town, chance: random.Random) -> Expected:
    """The words of a matter are destroyed, and the ledger says that it was lawful."""
    matter, _ = town.entry(
        chance, "NOT EXISTS (SELECT FROM erasure x WHERE x.matter = entry.matter)"
    )
    for table in ("vault_key", "vault_item", "vault_lookup"):
        town.connection.execute(f"DELETE FROM {table} WHERE matter = '{matter}'".encode())
    town.do(
        "INSERT INTO erasure (matter, erased_at, actor, reason) VALUES (%s::uuid, now(), 'x', 'x')",
        matter,
    )
    return Expected((("erasure", matter, 0),), "no_entry")


def some_command(town: Town, chance: random.Random) -> tuple[str, str, str, int]:
    """(actor, command, matter, number) of a command that wrote an entry."""
    found = town.rows(
        "SELECT DISTINCT ON (actor, command) actor, command, matter::text, number FROM entry"
        " ORDER BY actor, command, matter, number"
    )
    actor, command, matter, number = chance.choice(found)
    return actor, command, matter, number


def command_column(town: Town, chance: random.Random) -> Expected:
    actor, command, _matter, _ = some_command(town, chance)
    value = chance.choice(
        [
            "operation = operation || 'x'",
            "input_digest = reverse(input_digest)",
            "recorded_at = recorded_at + interval '1 microsecond'",
            "mac = NULL",
            "mac = sha256(mac)",
            "answer = '{}'",
        ]
    )
    town.do(f"UPDATE command SET {value} WHERE actor = %s AND command = %s", actor, command)
    return Expected((("command", None, None),))


def command_byte(town: Town, chance: random.Random) -> Expected:
    actor, command, _, _ = some_command(town, chance)
    ((data,),) = town.rows(
        "SELECT answer FROM command WHERE actor = %s AND command = %s", actor, command
    )
    town.do(
        "UPDATE command SET answer = %s WHERE actor = %s AND command = %s",
        *(bent(bytes(data), chance), actor, command),
    )
    return Expected((("command", None, None),))


def command_removed(town: Town, chance: random.Random) -> Expected:
    actor, command, matter, number = some_command(town, chance)
    town.do("DELETE FROM command WHERE actor = %s AND command = %s", actor, command)
    return Expected((("entry", matter, number),), "no_command")


def command_renamed(town: Town, chance: random.Random) -> Expected:
    actor, command, matter, number = some_command(town, chance)
    value = chance.choice(["actor = 'x'", "command = gen_random_uuid()::text"])
    town.do(f"UPDATE command SET {value} WHERE actor = %s AND command = %s", actor, command)
    return Expected((("entry", matter, number),), "no_command")


def feed_attacked(town: Town, chance: random.Random) -> Expected:
    matter, number = town.entry(chance)
    change = chance.choice(
        [
            "DELETE FROM feed WHERE {w}",
            "UPDATE feed SET position = nextval('journal_position') WHERE {w}",
            "UPDATE feed SET number = number + 1 WHERE {w}",
            "INSERT INTO feed (position, matter, number)"
            " SELECT position, matter, number FROM feed WHERE {w}",
        ]
    )
    town.do(change.format(w=at(matter, number)))
    return Expected((("feed", matter, None),))


# --- kept tables -------------------------------------------------------------------------------

CHANGED = {
    "integer": "{c} + 1",
    "bigint": "{c} + 1",
    "text": "{c} || 'x'",
    "boolean": "NOT {c}",
    "timestamp with time zone": "{c} + interval '1 microsecond'",
    "jsonb": "{c} || '{{}}'::jsonb || jsonb_build_array(1)",
    "ARRAY": "{c} || ARRAY['x']",
    "uuid": "gen_random_uuid()",
}


def kept_row(town: Town, chance: random.Random) -> Expected:
    """A row altered in some column, or taken out."""
    filled = [t for t in town.kept if town.rows(f"SELECT 1 FROM {t} LIMIT 1")]
    table = chance.choice(filled)
    ((row,),) = town.rows(f"SELECT count(*) FROM {table}")
    skipped = chance.randrange(row)
    ((where,),) = town.rows(
        f"SELECT ctid::text FROM {table} ORDER BY {table}::text OFFSET {skipped} LIMIT 1"
    )
    if chance.random() < 0.25:
        town.do(f"DELETE FROM {table} WHERE ctid = '{where}'")
        return Expected(((table, "", 0),), "kept")
    columns = town.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' ORDER BY ordinal_position",
        table,
    )
    chance.shuffle(columns)
    for column, kind in columns:
        value = CHANGED[kind].format(c=column)
        change = (
            f"UPDATE {table} SET {column} = {value} WHERE ctid = '{where}'"
            f" AND {column} IS NOT NULL AND {column} IS DISTINCT FROM {value}"
        )
        with contextlib.suppress(CheckViolation), town.connection.transaction():
            if town.connection.execute(change.encode()).rowcount:
                return Expected(((table, "", 0),), "kept")
    raise AssertionError(f"no column of {table} could be changed")


#: How often each is tried among the two hundred.
ATTACKS: dict[Attack, int] = {
    vault_byte: 6,
    vault_moved: 4,
    vault_swapped: 4,
    vault_removed: 2,
    key_attacked: 4,
    lookup_attacked: 3,
    erasure_attacked: 8,
    erasure_made_up: 2,
    command_column: 8,
    command_byte: 6,
    command_removed: 3,
    command_renamed: 3,
    feed_attacked: 6,
    kept_row: 20,
}
