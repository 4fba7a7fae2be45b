"""Tracks that were kept, compared with the chain of minute segments they were copied from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from psycopg import Connection

from muster.command.retention.facts import TrackKept
from muster.journal.fault import Fault
from muster.journal.vault import Vault
from muster.journal.verify_vault import items_of_kind
from muster.telemetry import verify_track
from muster.telemetry.track import read_track
from muster.telemetry.tracks import chained


def faults_of_tracks(connection: Connection[Any], vault: Vault) -> list[Fault]:
    """What does not hold of every track that is there; erased ones are gone."""
    return list(_faults(connection, vault))


def _faults(connection: Connection[Any], vault: Vault) -> Iterator[Fault]:
    for matter, number, open_ in items_of_kind(connection, vault, TrackKept.kind, "track"):
        try:
            text = open_()
            wrong = verify_track.check(msgspec.json.decode(text))
            sealed = not wrong and chained(connection, read_track(text))
        except (InvalidTag, ValueError):
            continue  # its ciphertext is at fault, which is told by name already
        if wrong:
            yield Fault(matter, number, "altered", "track", wrong[0])
        elif not sealed:
            yield Fault(matter, number, "otherwise", "track", "position_segment")
