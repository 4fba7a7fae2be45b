"""Puts a play together: who is there, which calls come, and in which way time passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from muster.geography.pack import Pack
from muster.simulate.agenda import Agenda, Workers, play_driven
from muster.simulate.calls import Call
from muster.simulate.desk import CommandDesk
from muster.simulate.doors import DoorRefused, Doors, DoorShut
from muster.simulate.figures import Figures
from muster.simulate.ground import Ground
from muster.simulate.matters import Matter
from muster.simulate.officers import Officers
from muster.simulate.people import Accounts, crews, desk
from muster.simulate.play import Habits, Play
from muster.simulate.shapes import City

#: Real seconds between two looks at the board and at the server's clock.
_WATCH_EVERY_S: Final = 3.0

Progress = Callable[[int, datetime], None]


class Engine:
    """One simulated city at one instance. Give it calls, then play."""

    def __init__(
        self,
        doors: Doors,
        pack: Pack,
        accounts: Accounts,
        *,
        seed: str,
        habits: Habits,
        first: datetime | None = None,
    ) -> None:
        """`first`: the moment to begin with, where requests drive the server's clock."""
        self.doors = doors
        doors.simulated_now = first
        seats = desk(accounts)
        city = doors.read(seats.dispatcher, "/api/city", City)
        self.ground = Ground(pack)
        self.play = Play(
            doors=doors,
            agenda=Agenda(),
            pack=pack,
            city=city,
            desk=seats,
            crews=crews(pack, accounts),
            seed=seed,
            habits=habits,
        )
        self._matters: dict[UUID, Matter] = {}
        self.officers = Officers(self.play, self._matters, self.ground)
        self.desk = CommandDesk(self.play, self._matters, self.officers)

    @property
    def figures(self) -> Figures:
        return self.play.figures

    def expect(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self.desk.expect(call)

    def begin(self, now: datetime) -> int:
        """Units go on duty. Returns how many were not yet."""
        return self.officers.sign_on(self.play.desk.dispatcher, now)

    def play_driven(self, stop: threading.Event, progress: Progress | None = None) -> None:
        """One step after another at full speed, until everything that follows is done."""

        def told(now: datetime) -> None:
            self.doors.simulated_now = now
            if progress is not None:
                progress(self.figures.counted("calls"), now)

        play_driven(self.play.agenda, told, stop)

    def play_live(self, stop: threading.Event, *, drain: bool) -> None:
        """By the server's clock, until stopped or (drain) until everything is done."""
        self.play.after(self.play.clock.now(), 1.0, lambda now: self._watch(now, drain=drain))
        workers = Workers(self.play.agenda, self.play.clock, stop)
        try:
            workers.run(drain=drain)
        except DoorShut:
            # Waiting for a server that is gone ends with a DoorShut when we are told to stop.
            if workers.failed_first:
                raise

    def _watch(self, now: datetime, *, drain: bool) -> None:
        if not (drain and self.play.agenda.alone):
            again = _WATCH_EVERY_S * self.play.clock.speed
            self.play.after(now, again, lambda at: self._watch(at, drain=drain))
        self.play.resync()
        try:
            self.desk.watch_board(now)
        except DoorRefused as error:
            self.figures.refused(error.code)
