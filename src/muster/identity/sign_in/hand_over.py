"""Shared desks at shift change: the next person takes over without losing what is on the screen."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.factors import NONCE_BYTES, KeyMaker
from muster.identity.sign_in.tables import HandOverRow
from muster.journal.audit import change

Database = Connection[Any]


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """交接: who left a desk to whom, with how many matters open, and what was said."""

    id: str
    at: datetime
    from_person: str
    to_person: str
    desk: str
    open_matters: int
    note: str


class HandOvers:
    """Keeps and reads them; the note is sealed: it may speak of people."""

    def __init__(self, keys: KeyMaker) -> None:
        self._seal = AESGCM(keys.key_for("hand-over notes"))

    def keep(self, connection: Database, one: HandOver) -> None:
        """In the transaction that ends the one session and opens the other."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, one.note.encode(), one.id.encode())
        values = {
            "at": one.at,
            "from_person": one.from_person,
            "to_person": one.to_person,
            "desk": one.desk,
            "open_matters": one.open_matters,
            "note_secret": sealed if one.note else None,
        }
        change(
            connection, "hand_over", {"id": one.id}, values, actor=one.to_person, reason="hand-over"
        )

    def of(self, connection: Database, person: str, limit: int) -> list[HandOver]:
        """Those a person gave or took, the newest first."""
        return [self._open(row) for row in tables.hand_overs_of(connection, person, limit)]

    def _open(self, row: HandOverRow) -> HandOver:
        note, sealed = "", row.note_secret and bytes(row.note_secret)
        if sealed:
            nonce, data = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            note = self._seal.decrypt(nonce, data, row.id.encode()).decode()
        return HandOver(
            id=row.id,
            at=row.at,
            from_person=row.from_person,
            to_person=row.to_person,
            desk=row.desk,
            open_matters=row.open_matters,
            note=note,
        )


def fresh_id() -> str:
    return str(uuid.uuid4())
