"""The tables beside the entries: chained tables, commands, the feed, the erasure ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from psycopg import Connection, sql

from muster.journal.append import command_row
from muster.journal.chain import FIRST_PREVIOUS
from muster.journal.checkpoint import Checkpoint, exists, moment
from muster.journal.erasing import Erasure, ledger
from muster.journal.erasures import LOST, named
from muster.journal.fault import Fault, Progress, Verdict, silent
from muster.journal.perform import Answer
from muster.journal.vault import KEYED, Vault

_STEP: Final = 20_000
#: Columns whose name in the body is another one.
_NAMED: Final = {"table_name": "table"}
_CHAIN: Final = ("number", "body", "previous", "hash")

_COMMANDS: Final = b"""SELECT c.actor, c.command, c.operation, c.input_digest, c.answer,
    c.recorded_at, c.mac, e.named, e.first, e.last, e.actor || ' ' || e.command
FROM command c FULL JOIN (
    SELECT actor, command, min(recorded_at) AS first, max(recorded_at) AS last,
        string_agg(matter || ' ' || number || ' ' || kind, E'\\n' ORDER BY matter, number) AS named
    FROM entry GROUP BY actor, command) e ON e.actor = c.actor AND e.command = c.command"""
_FEED: Final = b"""SELECT coalesce(e.matter, f.matter)::text, coalesce(e.number, f.number),
    CASE WHEN f.position IS NULL THEN 'missing' WHEN e.position IS NULL THEN 'alone'
        ELSE 'otherwise' END
FROM entry e FULL JOIN feed f ON f.position = e.position
WHERE e.position IS NULL OR f.position IS NULL OR f.matter <> e.matter OR f.number <> e.number
    OR f.xid > pg_current_xact_id()
UNION ALL
SELECT min(matter::text), min(number), 'twice' FROM feed GROUP BY position HAVING count(*) > 1"""
_ERASURES: Final = b"""SELECT x.matter::text, 0, CASE WHEN k.matter IS NOT NULL THEN 'key'
        WHEN EXISTS (SELECT FROM entry n WHERE n.matter = x.matter) AND NOT EXISTS
            (SELECT FROM entry n WHERE n.matter = x.matter AND n.kind LIKE '%.erased')
            THEN 'no_entry'
        WHEN EXISTS (SELECT FROM vault_item v WHERE v.matter = x.matter)
            OR EXISTS (SELECT FROM vault_lookup l WHERE l.matter = x.matter) THEN 'items' END
FROM erasure x LEFT JOIN vault_key k ON k.matter = x.matter
UNION ALL SELECT e.matter::text, e.number, 'removed' FROM entry e
    WHERE (e.kind LIKE '%.erased' OR e.kind = 'retention.caller_corrected'
        AND convert_from(e.bytes, 'UTF8') LIKE '%"items":[{%')
    AND NOT EXISTS (SELECT FROM erasure x WHERE x.matter = e.matter)
    AND NOT EXISTS (SELECT FROM erased_part p WHERE p.matter = e.matter AND p.number = e.number)"""
_PARTS: Final = b"""SELECT p.matter::text, p.number, p.items, e.bytes FROM erased_part p
LEFT JOIN entry e ON e.matter = p.matter AND e.number = p.number
    AND (e.kind LIKE '%.erased' OR e.kind = 'retention.caller_corrected')"""


# --- chained tables ------------------------------------------------------------------------------


def verify_chain(
    connection: Connection[Any],
    table: str,
    verdict: Verdict,
    checkpoint: Checkpoint | None = None,
    progress: Progress = silent,
) -> None:
    """A chained table: hashes, order, columns against the body, and the end that a checkpoint
    has seen. Identity numbers may have holes; the hashes tell whether a row is gone."""
    end = checkpoint.chains.get(table) if checkpoint else None
    count, previous, seen, below = 0, FIRST_PREVIOUS, "", 0
    with connection.cursor(name=f"verify_{table}") as cursor:
        cursor.itersize = 2000
        cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY number").format(sql.Identifier(table)))
        for values in cursor:
            assert cursor.description is not None
            row = dict(zip((one.name for one in cursor.description), values, strict=True))
            number, body, hashed = row["number"], bytes(row["body"]), bytes(row["hash"])
            whats = []
            if bytes(row["previous"]) != previous:
                whats.append("previous")
            if sha256(bytes(row["previous"]) + body).digest() != hashed:
                whats.append("hash")
            whats += _columns(row, body)
            verdict.add(Fault("", number, what, table) for what in whats)
            previous, count = hashed, count + 1
            if end is not None and number <= end.number:
                seen, below = hashed.hex() if number == end.number else seen, below + 1
            if count % _STEP == 0:
                progress(table, count)
    if end is not None and (seen != end.hash or below != end.rows):
        verdict.add([Fault("", end.number, "otherwise" if seen else "cut", table)])
    verdict.chained[table] = count


def _columns(row: Mapping[str, Any], body: bytes) -> list[str]:
    """Columns that repeat what the body says must say the same."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ["bytes"]
    if not isinstance(said, dict):
        return []
    for name, value in row.items():
        known = _NAMED.get(name, name)
        if name not in _CHAIN and known in said and not _same(value, said[known]):
            return ["column"]
    return []


def _same(value: Any, said: Any) -> bool:
    if isinstance(value, datetime):
        try:
            return value == datetime.fromisoformat(str(said))
        except ValueError:
            return False
    if isinstance(value, str | int | bool | list) or value is None:
        return bool(value == said) or str(value) == said
    return str(value) == str(said)


# --- commands ------------------------------------------------------------------------------------


def verify_commands(
    connection: Connection[Any],
    verdict: Verdict,
    vault: Vault | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress = silent,
) -> None:
    """Each command's answer names its entries and no others; each entry has its command; with the
    master key, each row is the one that was written."""
    until = checkpoint.commands.until if checkpoint else ""
    below = 0
    with connection.cursor(name="verify_command") as cursor:
        cursor.itersize = 2000
        cursor.execute(_COMMANDS)
        for done, row in enumerate(cursor, start=1):
            if row[0] is None:
                verdict.add(_named(row[7], "no_command", row[10]))
                continue
            verdict.commands += 1
            verdict.add(_command_faults(row, verdict, vault, checkpoint))
            below += moment(row[5]) <= until
            if done % _STEP == 0:
                progress("command", done)
    if checkpoint is not None and below < checkpoint.commands.count:
        gone = checkpoint.commands.count - below
        verdict.add([Fault("", gone, "fewer", "command", f"<= {until}")])


def _named(lines: str, what: str, command: str) -> Iterator[Fault]:
    for line in lines.splitlines():
        matter, number, _ = line.split(" ")
        yield Fault(matter, int(number), what, "entry", command)


def _command_faults(
    row: tuple[Any, ...], verdict: Verdict, vault: Vault | None, checkpoint: Checkpoint | None
) -> Iterator[Fault]:
    actor, command, operation, digest, stored, at, mac, lines, first, last, _ = row
    name = f"{actor} {command}"
    try:
        answer = msgspec.json.decode(bytes(stored), type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield Fault("", 0, "bytes", "command", name)
        yield from _named(lines or "", "not_answered", name)
        return
    said = {f"{one.matter} {one.number} {one.kind}" for one in answer.entries}
    there = set((lines or "").splitlines())
    for line in sorted(said - there):
        matter, number, _kind = line.split(" ", 2)
        yield Fault(matter, int(number), "answer", "command", name)
    yield from _named("\n".join(sorted(there - said)), "not_answered", name)
    if answer.command != command or answer.recorded_at != at:
        yield Fault(answer.matter, 0, "column", "command", name)
    elif any(one is not None and one != at for one in (first, last)):
        yield Fault(answer.matter, 0, "time", "command", name)
    if mac is None:
        verdict.unsealed += 1
        late = checkpoint is not None and moment(at) > checkpoint.commands.unsealed_until
        if late or digest.startswith(KEYED):
            yield Fault(answer.matter, 0, "unsealed", "command", name)
    elif vault is not None:
        sealed = command_row(actor, command, operation, digest, bytes(stored), at)
        if vault.command_mac(sealed) != bytes(mac):
            yield Fault(answer.matter, 0, "mac", "command", name)


# --- the feed and the ledger ---------------------------------------------------------------------


def verify_feed(connection: Connection[Any]) -> Iterator[Fault]:
    """Each entry stands in the feed once, at its position."""
    with connection.cursor(name="verify_feed") as cursor:
        cursor.execute(_FEED)
        for matter, number, what in cursor:
            yield Fault(matter, number, what, "feed")


def verify_erasures(
    connection: Connection[Any], outside: Sequence[Erasure] | None = None
) -> Iterator[Fault]:
    """What was erased is gone and its journal says so; the ledger outside the database, where
    there is one, says the same as the tables. It alone vouches for a part whose entry was lost
    with an older cluster."""
    lost = {(one.matter, LOST + one.number % LOST, frozenset(one.items)) for one in outside or ()}
    if outside is not None:
        there = {(one.matter, one.number): one for one in ledger(connection)}
        for said in outside:
            beyond = msgspec.structs.replace(said, number=LOST + said.number)
            known = there.get((said.matter, said.number))
            if known != said and there.get((said.matter, beyond.number)) != beyond:
                what = "otherwise" if known else "removed"
                yield Fault(said.matter, said.number, what, "erasure", "erasures.jsonl")
    with connection.cursor(name="verify_erasure") as cursor:
        cursor.execute(_ERASURES)
        for matter, number, what in cursor:
            if what is not None:
                yield Fault(matter, number, what, "erasure")
    with connection.cursor(name="verify_erased_part") as cursor:
        cursor.execute(_PARTS)
        for matter, number, items, data in cursor:
            if data is None and (matter, number, frozenset(items)) in lost:
                continue
            if data is None:
                yield Fault(matter, number, "no_entry", "erased_part")
            elif set(items) != _named_items(bytes(data)):
                yield Fault(matter, number, "column", "erased_part")


def lacking(connection: Connection[Any], outside: Sequence[Erasure]) -> Iterator[Fault]:
    """Erasures the database knows of and the file beside it does not: it was cut or removed, and a
    database gone back to before would bring back what was erased."""
    there = {named(one) for one in outside}
    for one in ledger(connection):
        if named(one) not in there:
            yield Fault(one.matter, one.number, "lacking", "erasure", "erasures.jsonl")


def _named_items(data: bytes) -> set[str]:
    """The items that an entry says were erased."""
    try:
        return {one["item"] for one in msgspec.json.decode(data)["body"]["items"]}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return set()


def chained_tables(connection: Connection[Any], names: Iterable[str]) -> list[str]:
    return [name for name in names if exists(connection, name)]
