"""A checkpoint every so often while the server runs."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.checkpoint import Checkpoints, Contradicted, decode, stored
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.clock import real_now
from muster.journal.signing import KeyFolder, signing_folder

log = logging.getLogger("muster.checkpoints")

#: A new installation has something to sign after a while; after a failure it is tried again.
FIRST_S: Final = 60.0
AGAIN_S: Final = 300.0
#: Of several that ask within this time one checkpoint serves all.
TOGETHER_S: Final = 2.0


class RegularCheckpoints:
    """`trouble` says in English why the last one could not be taken; empty when it was."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        checkpoints: Checkpoints,
        folder: CheckpointFolder,
        every_s: float,
    ) -> None:
        self._pool, self._checkpoints = pool, checkpoints
        self._folder, self._every_s = folder, every_s
        self._stopping, self._asked = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._owed = False
        self.trouble = ""

    def start(self) -> None:
        """Nothing happens with an interval of 0."""
        if self._every_s > 0:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def soon(self) -> None:
        """Something was done that a checkpoint should vouch for: take one without waiting for the
        hour. What comes within the next seconds is covered by the same."""
        self._asked.set()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def notes(self) -> list[str]:
        return [self.trouble] if self.trouble else []

    def _run(self) -> None:
        wait = min(FIRST_S, self._every_s)
        while True:
            if self._asked.wait(wait):
                self._stopping.wait(TOGETHER_S)
            if self._stopping.is_set():
                return
            wait = self.step()

    def step(self) -> float:
        """Take one if it is due, or asked for; returns the seconds until the next look."""
        asked = self._asked.is_set() or self._owed
        self._asked.clear()
        self._owed = asked
        try:
            with self._pool.connection() as connection:
                left = 0 if asked else self._left(connection, real_now())
                connection.commit()
                if left <= 0:
                    self._checkpoints.take(connection, self._folder, real_now())
                    left = self._every_s
            self.trouble, self._owed = "", False
            return left
        except Contradicted as contradicted:
            self.trouble = (
                f"checkpoints: {contradicted.about} is no longer what checkpoint"
                f" {contradicted.checkpoint} in {self._folder.path} says: run journal verify"
            )
        except Exception as error:
            self.trouble = f"checkpoints: {type(error).__name__}: {error}"
            log.error("no checkpoint: %s", type(error).__name__, exc_info=error)
        return min(AGAIN_S, self._every_s)

    def _left(self, connection: Connection[Any], now: datetime) -> float:
        """Seconds until the next is due, by the newest one in the folder: a folder that was away
        gets its own as soon as it is back."""
        known = self._folder.with_heads()
        if not known:
            return 0
        newest = stored(connection, known[-1] - 1).get(known[-1])
        if newest is None:
            return 0  # taking one will say what is wrong
        try:
            taken_at = datetime.fromisoformat(decode(newest).taken_at)
        except (msgspec.DecodeError, ValueError):
            return 0
        return min(self._every_s, self._every_s - (now - taken_at).total_seconds())


def checkpoint_folder(data: Path, to: str | None) -> CheckpointFolder:
    return CheckpointFolder(Path(to or data / "checkpoints"))


def regular_checkpoints(
    pool: ConnectionPool[Connection[Any]], data: Path, to: str | None, every_s: float
) -> RegularCheckpoints:
    """Those of a data folder, written to `to` or, without it, into the data folder itself."""
    return RegularCheckpoints(
        pool,
        Checkpoints(KeyFolder(signing_folder(data))),
        checkpoint_folder(data, to),
        every_s,
    )
