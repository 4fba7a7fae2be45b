"""A city's days, one after the other, by the clock of a running instance, until stopped."""

from __future__ import annotations

import random
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from muster.geography.pack import Pack, load
from muster.journal.clock import real_now
from muster.simulate.day import Day
from muster.simulate.doors import Doors, DoorShut
from muster.simulate.engine import Engine
from muster.simulate.people import Accounts, desk
from muster.simulate.play import Habits
from muster.simulate.refusal import ReplayRefused
from muster.simulate.shapes import City


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """MUSTER_SIMULATE. city: the pack's folder. password: of all demonstration accounts.

    accounts: only where usernames are not the demonstration's own; see people.Accounts.
    """

    url: str
    city: str
    password: str = ""
    accounts: Accounts | None = None
    seed: str | int = "1"

    def who(self) -> Accounts:
        return self.accounts or Accounts(password=self.password)


def habits_at(speed: float) -> Habits:
    """Phones send about as often in real time at any speed, or a fast clock would flood the
    server with batches nobody can see one by one."""
    return Habits(
        patrol=True,
        batch_every_s=max(10.0, speed),
        roll_every_s=max(30.0, 10.0 * speed),
    )


class LiveCity:
    """Plays day after day. `run` blocks until `stop` is set."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings, self._stop = settings, stop
        self._pack: Pack = load(Path(settings.city))
        self._doors = Doors(settings.url, patience_s=None, stop=stop)
        # A second run over the same date must not open the first one's matters again.
        self._run = f"{real_now():%Y%m%d%H%M%S}-{random.SystemRandom().getrandbits(32):08x}"

    def run(self) -> None:
        """Raises ReplayRefused when the instance's clock does not run by itself."""
        try:
            self._play()
        except DoorShut:
            if not self._stop.is_set():
                raise
        finally:
            self._doors.close()

    def _play(self) -> None:
        who = desk(self._settings.who()).dispatcher
        speed = self._doors.read(who, "/api/city", City).clock.speed
        if speed <= 0:
            raise ReplayRefused("clock.wrong", wanted=" > 0", speed=speed)
        seed = str(self._settings.seed)
        engine = Engine(
            self._doors,
            self._pack,
            self._settings.who(),
            seed=f"{seed}|{self._run}",
            habits=habits_at(speed),
        )
        calls = Day(self._pack, engine.ground, seed=seed, run=self._run)
        now = engine.play.clock.now()
        signed, adopted = engine.begin(now), engine.desk.adopt(now)
        print(f"simulate: {signed} units signed on, {adopted} matters taken up", file=sys.stderr)
        self._expect_day(engine, calls, now)
        try:
            engine.play_live(self._stop, drain=False)
        finally:
            print(f"simulate: {engine.figures.summary()}", file=sys.stderr)

    def _expect_day(self, engine: Engine, calls: Day, now: datetime) -> None:
        """Today's calls still to come, and, at midnight, tomorrow's."""
        zone = ZoneInfo(self._pack.city.timezone)
        today = now.astimezone(zone).date()
        engine.expect(call for call in calls.calls(today) if call.reported_at >= now)
        engine.desk.forget_before(now - timedelta(days=2))
        midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), zone)
        engine.play.at(midnight, lambda at: self._expect_day(engine, calls, at))
