"""The only wiring: which parts there are, in which order things happen.

Read this file to know what happens when: FACTS (what can be recorded), `matter_kinds` (what
is kept, in order), `operations` (what can be done), `reactions` (what follows).
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from muster.action.orders import facts as order_facts
from muster.action.orders import tables as order_tables
from muster.action.units import tables as unit_tables
from muster.api.condition import Condition, end_with_threads, raise_handles
from muster.api.platform import RunningPlatform
from muster.api.serving import Listening
from muster.command.dispatch.nearest import World, last_fixes
from muster.command.dispatch.react import reoffer_reaction
from muster.command.incidents import access as incident_access
from muster.command.incidents import facts as incident_facts
from muster.command.incidents import state as incident_state
from muster.command.incidents import tables as incident_tables
from muster.command.incidents.erase_again import erase_again
from muster.command.operations import operations
from muster.command.retention import facts as retention_facts
from muster.command.retention import tables as retention_tables
from muster.command.retention.clocks import due_of, operation_due
from muster.command.retention.daily import FOR_EVER, Daily
from muster.geography.pack import Pack, load
from muster.identity.access_log import AccessLog
from muster.identity.authoriser import IdentityAuthoriser
from muster.identity.first_link import make_first_link
from muster.identity.install import demo_accounts, install, install_simulator
from muster.identity.passwords import Passwords
from muster.identity.providers.binding import opened as providers_of
from muster.identity.reader import reader
from muster.journal.clock import Clock, DrivenClock, RealClock, ScaledClock, real_now
from muster.journal.database import last_recorded, open_pool
from muster.journal.deadlines import Ticker, next_due
from muster.journal.entry import Fact, kinds_of
from muster.journal.erasures import Ledger
from muster.journal.feed import Bell, held_back
from muster.journal.master_key import open_vault
from muster.journal.perform import Answer, Journal, MatterKind
from muster.journal.reactions import Reactor
from muster.journal.regular_checkpoints import (
    RegularCheckpoints,
    checkpoint_folder,
    regular_checkpoints,
)
from muster.telemetry.positions import Positions

if TYPE_CHECKING:
    from litestar import Litestar

log = logging.getLogger("muster.app")

MASTER_KEY = "keys/master.key"
LOOK_S = 0.25
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)

LEDGER = "erasures.jsonl"
#: Stands in a data folder while a restore fills it: nothing starts there.
UNFINISHED = "restoring.json"
#: Tables that end with an installation, with all that refers to them: people sign in again.
NOT_IN_BACKUP = ("session", "pending_sign_in", "provider_visit")

FACTS: tuple[type[Fact], ...] = (*order_facts.FACTS, *incident_facts.FACTS, *retention_facts.FACTS)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one server process runs. `owner_dsn` is used only to prepare. `speed`: clock seconds
    per second of a scaled clock. `web`: folder of built assets, None without a web page.
    `checkpoint_to`: a folder, DATA/checkpoints without one; every so many seconds, 0 for never.
    `hosts`: names, besides `host` and this machine's, requests may be for. `trusted_proxies`:
    addresses or ranges whose X-Forwarded-For and X-Forwarded-Proto are believed.
    `live_per_session`: live connections one session may hold."""

    owner_dsn: str
    app_dsn: str
    data: str
    city: str
    host: str = "127.0.0.1"
    port: int = 8000
    clock: Literal["real", "scaled", "driven"] = "real"
    speed: float = 1.0
    clock_start: datetime | None = None
    demo: bool = False
    web: str | None = None
    testing: bool = False
    hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    listening: Listening = Listening()
    checkpoint_to: str | None = None
    checkpoint_every: float = 3600.0
    live_per_session: int = 8


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """DATA/mark.json: what a data folder is. Written once; simulated stays simulated."""

    kind: Literal["real", "simulated"]
    demo: bool
    city: str
    clock: Literal["real", "scaled", "driven"]
    speed: float
    start: datetime | None


class NotThisFolder(Exception):
    """A data folder is asked to be what it is not."""


def matter_kinds(pack: Pack) -> tuple[MatterKind, ...]:
    """The kinds of matters, each with its keepers in the order they run."""
    return (
        MatterKind(
            prefix="incident",
            fold=incident_state.fold,
            due=lambda state: {**state.due, **due_of(pack.retention, state.weighed)},
            keepers=(
                incident_access.keeper(pack),
                incident_tables.KEEPER,
                order_tables.KEEPER,
                *retention_tables.keepers(pack),
            ),
        ),
    )


def marked(settings: Settings) -> Mark:
    """The folder's mark; written on the first start. Raises NotThisFolder."""
    path = Path(settings.data) / "mark.json"
    kind: Literal["real", "simulated"] = "real" if settings.clock == "real" else "simulated"
    if path.exists():
        mark = msgspec.json.decode(path.read_bytes(), type=Mark)
        if mark.kind != kind:
            raise NotThisFolder(f"{settings.data} is marked {mark.kind}, not {kind}")
        return mark
    start = settings.clock_start or (real_now() if kind == "simulated" else None)
    mark = Mark(
        kind=kind,
        demo=settings.demo,
        city=Path(settings.city).name,
        clock=settings.clock,
        speed=settings.speed,
        start=start,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(mark), indent=1))
    fresh.replace(path)
    return mark


def clock_for(mark: Mark, last: datetime | None, speed: float) -> Clock:
    """The clock of a folder. A simulated one goes on where its journal ended, so that a night
    switched off is not a night in which every deadline was missed."""
    if mark.clock == "real":
        return RealClock()
    assert mark.start is not None
    begin = max(mark.start, last) if last is not None else mark.start
    if mark.clock == "driven":
        return DrivenClock(begin)
    return ScaledClock(origin=begin, since=real_now(), speed=speed)


@dataclass
class System:
    """One running Muster: the platform its doors use, and the threads behind it."""

    settings: Settings
    platform: RunningPlatform
    positions: Positions
    ticker: Ticker
    reactor: Reactor
    bell: Bell
    ledger: Ledger
    checkpoints: RegularCheckpoints
    daily: Daily
    condition: Condition = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""
    live_trouble: Callable[[], str] = lambda: ""
    _pending: threading.Event = field(default_factory=threading.Event)
    _react_now: threading.Event = field(default_factory=threading.Event)
    _driving: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        pool, data = self.platform.pool, Path(self.settings.data)
        told = lambda: [*self.checkpoints.notes(), *self.ledger.notes()]  # noqa: E731
        self.condition = Condition(pool, data, self._troubles, told=told)

    def appended(self, answer: Answer) -> None:
        """After each commit: wake who waits, have an erasure on the disk twice and vouched for."""
        if any(entry.kind.endswith((".erased", ".caller_corrected")) for entry in answer.entries):
            self.ledger.erased()
            self.checkpoints.soon()
        if any(entry.kind in self.reactor.kinds for entry in answer.entries):
            self._pending.set()
            self._react_now.set()
        self.bell.ring()

    def start(self) -> None:
        """Start the threads. A driven clock has none: its deadlines run when it is moved."""
        self._pending.set()
        self.ledger.reconcile()
        self.erase_again()
        with self.platform.pool.connection() as connection:
            on_duty = {unit.id for unit in unit_tables.units(connection) if unit.on_duty}
        self.positions.start(shown=on_duty.__contains__)
        if self.platform.driven is None:
            self._threads.append(threading.Thread(target=self._run, name="clock", daemon=True))
            self.checkpoints.start()
        for thread in self._threads:
            thread.start()
        self.condition.start()

    def erase_again(self) -> int:
        """Say it in the journals of matters that were erased after what was restored."""
        platform = self.platform
        return erase_again(platform.journal, platform.operations["incident.erase_again"])

    def stop(self) -> None:
        """Stop the threads and close the pool. What is acknowledged is committed already."""
        self.stopping.set()
        self.condition.stop()
        self.checkpoints.stop()
        self._react_now.set()
        self.bell.ring()
        for thread in self._threads:
            thread.join(timeout=10)
        self.positions.stop()
        self.platform.close()

    def simulate_to(self, to: datetime) -> None:
        """Move a driven clock to `to`, performing each deadline at its own moment."""
        clock = self.platform.driven
        assert clock is not None
        with self._driving:
            self._react()
            while (due := self._next_due()) is not None and due <= to:
                clock.advance(due)
                self.ticker.run_due(due)
                self._react()
            clock.advance(to)
            self.daily.run()

    def _react(self) -> None:
        """React to what the feed shows. Entries committed beside a transaction that still runs
        are not in it yet: then there is more to do, and whoever calls us looks again."""
        while self._pending.is_set():
            self._pending.clear()
            self.reactor.run_once()
            with self.platform.pool.connection() as connection:
                if held_back(connection):
                    self._pending.set()
                    return

    def _next_due(self) -> datetime | None:
        with self.platform.pool.connection() as connection:
            return next_due(connection)

    def _run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            try:
                self.ticker.run_due(self.platform.clock.now())
                self._react()
                self.ledger.catch_up()
                self.daily.run()
                wait, failures, self.trouble = self._until_next(), 0, ""
            except Exception as error:
                self.trouble = f"clock: {type(error).__name__}"
                log.error("clock and reactions wait: %s", type(error).__name__, exc_info=error)
                self._pending.set()
                wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
            self._react_now.wait(wait)
            self._react_now.clear()

    def _until_next(self) -> float:
        """Seconds to wait: to the next deadline, but look again every quarter of a second, for
        what other commands have set meanwhile."""
        due = self._next_due()
        if due is None:
            return LOOK_S
        left = (due - self.platform.clock.now()).total_seconds() / self.platform.clock.speed
        return min(LOOK_S, max(0.01, left))

    def _troubles(self) -> list[str]:
        """What the threads could not do when they last tried."""
        found = (self.trouble, self.positions.trouble, self.live_trouble(), self.ledger.trouble)
        return [trouble for trouble in found if trouble]


def open_system(settings: Settings, pack: Pack | None = None) -> System:
    """Open everything a server process needs. Migrations and `prepare` ran before."""
    mark = marked(settings)
    pack = pack or load(Path(settings.city))
    pool = open_pool(settings.app_dsn)
    with pool.connection() as connection:
        clock = clock_for(mark, last_recorded(connection), settings.speed)
        vault = open_vault(connection, Path(settings.data) / MASTER_KEY)
    kinds = kinds_of(FACTS)
    journal = Journal(
        pool=pool,
        vault=vault,
        clock=clock,
        kinds=kinds,
        matter_kinds=matter_kinds(pack),
        authoriser=IdentityAuthoriser(),
    )
    positions = Positions(pool, clock, keep_days=pack.retention.days("positions") or FOR_EVER)
    world = World(pack, last_fixes(positions))
    listed = operations(pack)
    platform = RunningPlatform(
        pack=pack,
        pool=pool,
        journal=journal,
        vault=vault,
        kinds=kinds,
        clock=clock,
        operations=listed,
        world=world,
        reader=lambda actor: reader(pool, actor, vault, kinds),
        access=AccessLog(open_pool(settings.app_dsn, most=1)),
        position_of=positions.latest,
        simulated=mark.kind == "simulated",
        checkpoints=checkpoint_folder(Path(settings.data), settings.checkpoint_to),
        testing=settings.testing,
        providers=providers_of(Path(settings.data)),
    )
    reactions = [reoffer_reaction(journal, world, listed["incident.reoffer"])]
    system = System(
        settings=settings,
        platform=platform,
        positions=positions,
        ticker=Ticker(journal, lambda name: listed[operation_due(name)]),
        reactor=Reactor(journal, reactions),
        bell=Bell(),
        ledger=Ledger(Path(settings.data) / LEDGER, pool.connection, vault),
        checkpoints=regular_checkpoints(
            pool, Path(settings.data), settings.checkpoint_to, settings.checkpoint_every
        ),
        daily=Daily(journal, pack.retention, positions),
    )
    journal.appended = system.appended
    platform.ready, platform.notes = system.condition.reasons, system.condition.notes
    platform.simulate_to = system.simulate_to
    return system


def settings_from_environment() -> Settings:
    """Raises NotThisFolder where a restore has not come to its end."""
    settings = msgspec.json.decode(os.environ["MUSTER_SETTINGS"], type=Settings)
    if (Path(settings.data) / UNFINISHED).exists():
        raise NotThisFolder(
            f"{settings.data} 里的恢复没有完成：请再运行一次 restore。\n"
            f"The restore into {settings.data} did not come to its end: run restore again."
        )
    return settings


class Account(msgspec.Struct, frozen=True):
    """One demo account; the password is the same for all."""

    role: str
    username: str
    password: str


class Prepared(msgspec.Struct, frozen=True):
    """What `prepare` made: accounts of a demonstration, the simulator's password, or the one-time
    link's token for the first administrator of a real installation (None once there is one)."""

    accounts: tuple[Account, ...]
    simulator_password: str | None
    first_link: str | None


def prepare(settings: Settings) -> Prepared:
    """Bring a migrated database to the city pack; safe to run at every start."""
    mark = marked(settings)
    pack = load(Path(settings.city))
    passwords = Passwords(testing=settings.testing)
    with open_pool(settings.app_dsn) as pool, pool.connection() as connection:
        open_vault(connection, Path(settings.data) / MASTER_KEY)
        password = demo_password(settings) if mark.demo else None
        install(connection, pack, password, passwords=passwords)
        unit_tables.install(connection, pack, actor="system:install")
        if mark.kind == "simulated" and password is not None:
            install_simulator(connection, password, passwords=passwords)
        link = None
        if password is None:
            link = make_first_link(connection)
    accounts = [Account(one.role, one.username, password or "") for one in demo_accounts(pack)]
    return Prepared(tuple(accounts) if password else (), password, link)


def demo_password(settings: Settings) -> str:
    """The password of a demonstration's accounts: made once, kept in the data folder (0600)."""
    path = Path(settings.data) / "demo_password"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"muster-{secrets.token_hex(4)}")
    return path.read_text()


def application(system: System) -> Litestar:
    """The HTTP application of an open system. Its threads start and stop with it."""
    from muster.api import install_page, live, metrics, opening, oversight
    from muster.api.position_doors import position_routes
    from muster.api.server import litestar_app

    platform, positions = system.platform, system.positions
    hub = live.hub_of(platform, positions, system.bell)
    hub.most_a_session = system.settings.live_per_session
    system.live_trouble = lambda: hub.trouble
    platform.unit_changed = hub.unit_changed
    platform.unit_off_duty = positions.forget
    platform.to_review = partial(oversight.to_review, platform)
    platform.journal.performed = platform.metrics.performed
    metrics.watch(platform, hub, positions, Path(system.settings.data), system.settings.listening)

    def start() -> None:
        system.start()
        hub.start()

    def stop() -> None:
        hub.stop()
        system.stop()

    return litestar_app(
        platform,
        web=Path(system.settings.web) if system.settings.web else None,
        more_routes=(
            live.route(hub, partial(opening.denied_feed, platform)),
            *position_routes(platform, positions),
            *install_page.routes(system.settings.listening),
            metrics.route(platform.metrics),
        ),
        start=start,
        stop=stop,
    )


def interface() -> dict[str, Any]:
    """The OpenAPI document, without opening anything."""
    from muster.api import live, openapi
    from muster.api.position_doors import position_routes
    from muster.api.server import litestar_app

    nothing = cast(Any, None)
    routes = (live.route(nothing), *position_routes(nothing, nothing))
    return openapi.build(litestar_app(None, web=None, more_routes=routes, start=_idle, stop=_idle))


def _idle() -> None:
    """Nothing to start or stop."""


def serve(settings: Settings) -> None:
    """Run the server until it is told to stop."""
    from muster.api import gate, logs, serving
    from muster.api.small_ports import small_ports

    logs.configure()
    raise_handles()
    end_with_threads()
    listening = settings.listening
    # While another still serves: the slow part of a start, and what could keep us from serving.
    import_module("muster.api.server")
    pack = load(Path(settings.city))
    with open_pool(settings.app_dsn, most=1) as pool, pool.connection() as connection:
        open_vault(connection, Path(settings.data) / MASTER_KEY)
    serving.check(listening)
    with serving.taking_turns(listening):
        system = open_system(settings, pack)
        app = gate.guarded(application(system), settings)
        beside = small_ports(listening, system.platform.metrics)
        serving.run(app, settings.host, settings.port, listening, beside)


if __name__ == "__main__":
    serve(settings_from_environment())
