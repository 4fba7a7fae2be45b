"""Does the journal hold together? Names everything that does not.

entries                every one, in its matter's order (verify_entries.py)
vault                  every sealed text is there; opened, with the master key (verify_vault.py)
commands, feed, erasures, chained tables     against the entries and themselves (verify_rows.py)
checkpoints            their own chain, and what folders outside hold (verify_checkpoints.py)
kept tables            against a rebuild that is undone (rebuild.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from muster.journal.checkpoint import CHAINED, frozen
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.entry import Kinds
from muster.journal.erasing import Erasure
from muster.journal.fault import Fault, Progress, Verdict, silent
from muster.journal.perform import Journal
from muster.journal.rebuild import compare
from muster.journal.vault import Vault
from muster.journal.verify_checkpoints import HeadsBeside, Outside, verify_stored
from muster.journal.verify_entries import Beside, verify_entries
from muster.journal.verify_rows import (
    chained_tables,
    lacking,
    verify_chain,
    verify_commands,
    verify_erasures,
    verify_feed,
)
from muster.journal.verify_vault import VaultBeside


@dataclass(frozen=True)
class Wanted:
    """How deep to look. `vault`: open every sealed text and check the seals of commands, with
    `kinds` (of facts) also the look-ups;
    `journal`: rebuild the kept tables and compare; `against`: folders of checkpoints;
    `first_keys`: ids of keys that are known to stand at the beginning of a chain; `ledger`: what
    the file outside the database says was erased, asked twice: before and after looking at the
    tables, as somebody may be erasing."""

    vault: Vault | None = None
    kinds: Kinds | None = None
    journal: Journal | None = None
    against: Sequence[CheckpointFolder] = ()
    first_keys: Sequence[str] = ()
    ledger: Callable[[], Sequence[Erasure]] | None = None


def verify(
    connection: Connection[Any], wanted: Wanted = Wanted(), progress: Progress = silent
) -> Verdict:
    """Look at everything in one snapshot; in the caller's transaction if there is one."""
    verdict = Verdict()
    with ExitStack() as stack:
        if connection.info.transaction_status == TransactionStatus.IDLE:
            stack.enter_context(frozen(connection))
        _verify(connection, wanted, verdict, progress)
    return verdict


def _verify(
    connection: Connection[Any], wanted: Wanted, verdict: Verdict, progress: Progress
) -> None:
    said = wanted.ledger() if wanted.ledger else None
    newest = verify_stored(connection, verdict, wanted.first_keys)
    besides: list[Beside] = [VaultBeside(connection, verdict, wanted.vault, wanted.kinds)]
    for folder in wanted.against:
        outside = Outside(folder, verdict, wanted.first_keys)
        outside.examine(connection)
        besides.append(HeadsBeside(connection, outside, verdict))
        newest = outside.newest or newest
    if wanted.first_keys and verdict.first_key not in wanted.first_keys:
        verdict.add([Fault("", 1, "first_key", "signing_key", verdict.first_key)])
    verify_entries(connection, verdict, besides, progress)
    if verdict.uncovered is not None:
        verdict.uncovered = verdict.entries - verdict.uncovered
    verify_commands(connection, verdict, wanted.vault, newest, progress)
    verdict.add(verify_feed(connection))
    verdict.add(verify_erasures(connection, said))
    if wanted.ledger is not None:
        verdict.add(lacking(connection, wanted.ledger()))
    for table in chained_tables(connection, CHAINED):
        verify_chain(connection, table, verdict, newest, progress)
    if wanted.journal is not None:
        verdict.kept = True
        verdict.add(list(_kept(wanted.journal, connection, bool(verdict.found))))


def _kept(journal: Journal, connection: Connection[Any], broken: bool) -> Iterator[Fault]:
    try:
        for words in compare(journal, connection):
            table, _, detail = words.partition(": ")
            yield Fault("", 0, "kept", table, detail)
    except Exception as error:
        if not broken:
            raise  # whole entries that cannot be folded are a defect of ours
        yield Fault("", 0, "no_rebuild", "kept", type(error).__name__)
