"""What the doors are given by app.py: the open parts of one running system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from litestar.params import SkipValidation
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.api.counters import Metrics
from muster.command.dispatch.nearest import World
from muster.geography.pack import Pack
from muster.identity.access_log import AccessLog
from muster.identity.providers.binding import Providers
from muster.identity.reader import Reader
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.clock import Clock, DrivenClock
from muster.journal.context import Actor
from muster.journal.entry import Kinds
from muster.journal.perform import Journal, Operation
from muster.journal.vault import Vault


class UnitFix(Protocol):
    """A unit's last position as telemetry keeps it: WGS-84 degrees, UTC."""

    lon: float
    lat: float
    at: datetime
    heading: int | None
    speed_kmh: float | None


@dataclass
class RunningPlatform:
    """One running system. `ready`: why it is not; `notes`: what an engineer should know all the
    same. `simulate_to` moves a driven clock and performs what falls due. `to_review`: whether a
    look at a matter waits for the reader's review."""

    pack: Pack
    pool: ConnectionPool[Connection[Any]]
    journal: Journal
    vault: Vault
    kinds: Kinds
    clock: Clock
    operations: Mapping[str, Operation[Any, Any, Any]]
    world: World
    reader: Callable[[Actor], AbstractContextManager[Reader]]
    access: AccessLog
    position_of: Callable[[str], UnitFix | None]
    simulated: bool
    checkpoints: CheckpointFolder
    testing: bool = False
    providers: Providers = field(default_factory=dict)
    to_review: Callable[[Reader, str], bool] = lambda _reader, _matter: False
    unit_changed: Callable[[str], None] = lambda _unit: None
    unit_off_duty: Callable[[str], None] = lambda _unit: None
    ready: Callable[[], list[str]] = field(default=list)
    notes: Callable[[], list[str]] = field(default=list)
    simulate_to: Callable[[datetime], None] = lambda _to: None
    metrics: Metrics = field(default_factory=Metrics)

    def close(self) -> None:
        """Give the connections back."""
        self.access.close()
        self.pool.close()

    @property
    def driven(self) -> DrivenClock | None:
        return self.clock if isinstance(self.clock, DrivenClock) else None


#: What routes take as `platform`. It is ours and needs no validation.
Platform = SkipValidation[RunningPlatform]
