"""A Muster in this process on a database of its own, for benches that look inside.

The doors are not part of what is measured here; bench/replay.py and bench/soak.py go through them.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection

from muster import app
from muster.command.incidents import inputs
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions, token_hash
from muster.journal.context import Actor
from muster.journal.perform import Answer, Asked
from muster.migrations.run import upgrade
from muster.supervise import postgres

ROOT = Path(__file__).resolve().parent.parent
SHENJIAMEN = inputs.Place(122.301, 29.947, "示例路口")


@dataclass(frozen=True)
class City:
    """An open system and two signed-in people of it."""

    system: app.System
    dispatcher: Actor
    taker: Actor

    def report(self, matter: str = "") -> Asked:
        """An invented call, as the command that reports it."""
        now = self.system.platform.clock.now()
        matter = matter or str(uuid.uuid4())
        asked = inputs.Report(
            id=matter,
            channel="110",
            category=next(iter(self.system.platform.pack.categories)),
            reported_at=now - timedelta(seconds=60),
            answered_at=now - timedelta(seconds=50),
            call_ended_at=now - timedelta(seconds=5),
            caller_name="示例甲",
            caller_phone="000-0000-0001",
            narrative="示例：路口有人摔倒，需要帮助。",
            place=SHENJIAMEN,
        )
        return self._asked("incident.report", self.taker, matter, asked)

    def remark(self, matter: str) -> Asked:
        """A remark on a matter, as a command."""
        asked = inputs.Remark("示例：已联系报警人，正在前往。")
        return self._asked("incident.remark", self.dispatcher, matter, asked)

    def perform(self, asked: Asked) -> Answer:
        return self.system.platform.journal.perform(asked)

    def _asked(self, operation: str, actor: Actor, matter: str, asked: msgspec.Struct) -> Asked:
        return Asked(
            operation=self.system.platform.operations[operation],
            actor=actor,
            matter=matter,
            input=asked,
            command=str(uuid.uuid4()),
        )


@contextmanager
def opened() -> Iterator[City]:
    """The Zhoushan pack with its invented people, on a real clock, in a temporary folder. The
    clock's and the reactions' thread does not run."""
    with (
        tempfile.TemporaryDirectory(prefix="muster-bench-") as folder,
        postgres.running(Path(folder) / "data") as server,
    ):
        upgrade(server.owner_dsn)
        settings = app.Settings(
            owner_dsn=server.owner_dsn,
            app_dsn=server.app_dsn,
            data=str(Path(folder) / "data"),
            city=str(ROOT / "cities" / "zhoushan"),
            demo=True,
            testing=True,
            live_per_session=100_000,  # the listeners of one bench share a session
        )
        app.prepare(settings)
        system = app.open_system(settings)
        try:
            yield City(system, _actor(system, "dispatcher"), _actor(system, "call_taker"))
        finally:
            system.platform.close()


def _actor(system: app.System, role: str) -> Actor:
    """Somebody of that role at the top of the city, signed in."""
    pack = system.platform.pack
    person = next(
        one.id
        for one in pack.people.values()
        if one.role == role and pack.organisation(one.organisation).parent is None
    )
    sessions = Sessions(system.platform.pool, Passwords(testing=True))
    connection: Connection[Any]
    with system.platform.pool.connection() as connection:
        token, _ = sessions.open_for(connection, person)
    return Actor(person, token_hash(token).hex())


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); NaN for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def load() -> float:
    return round(os.getloadavg()[0], 2)
