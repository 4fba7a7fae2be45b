"""What all simulated people share: the doors, the agenda, the pack, the figures and the dice."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from uuid import UUID

from muster.geography.pack import Pack
from muster.simulate.agenda import Agenda, ServerTime
from muster.simulate.doors import DoorBroken, DoorRefused, Doors
from muster.simulate.figures import Figures
from muster.simulate.people import Crew, Desk
from muster.simulate.shapes import City


@dataclass(frozen=True)
class Habits:
    """How the simulated people behave. Seconds are clock seconds; `p50` is the median of a
    log-normal draw. Shares are of 1. Sources: signing p50 8 s and 2 % unanswered are our own
    defaults; nothing here describes a real person or a real police force."""

    answer_p50_s: float = 4.0
    talk_p50_s: float = 75.0
    think_p50_s: float = 20.0
    sign_p50_s: float = 8.0
    never_sign: float = 0.02
    give_back: float = 0.015
    turn_out_p50_s: float = 35.0
    handle_p50_s: float = 20 * 60.0
    review_p50_s: float = 5 * 60.0
    send_back: float = 0.03
    call_back_p50_s: float = 2 * 3600.0
    archive_s: float = 3600.0
    join_within_m: float = 200.0
    join_within_s: float = 15 * 60.0
    fix_every_s: float = 10.0
    batch_every_s: float = 10.0
    roll_every_s: float = 30.0
    patrol: bool = False
    detour: float = 1.3


@dataclass
class Play:
    """One day or many, at one instance."""

    doors: Doors
    agenda: Agenda
    pack: Pack
    city: City
    desk: Desk
    crews: dict[str, Crew]
    seed: str
    habits: Habits = field(default_factory=Habits)
    figures: Figures = field(default_factory=Figures)
    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: ServerTime = field(init=False)

    def __post_init__(self) -> None:
        self.clock = ServerTime(self.city.clock.now, self.city.clock.speed)

    def resync(self) -> datetime:
        """Ask the server for its time, and reckon on from there."""
        city = self.doors.read(self.desk.dispatcher, "/api/city", City)
        self.clock.heard(city.clock.now, city.clock.speed)
        return city.clock.now

    def dice(self, *what: object) -> random.Random:
        """Dice of their own for a person's business, so that the order of threads is no input."""
        return random.Random(f"{self.seed}|{'|'.join(map(str, what))}")

    def do(self, step: Callable[[datetime], None]) -> Callable[[datetime], None]:
        """A step whose refusal or server fault ends this business only, and is counted."""

        def careful(now: datetime) -> None:
            try:
                step(now)
            except DoorRefused as error:
                self.figures.refused(error.code)
            except DoorBroken as error:
                self.figures.fault(str(error))

        return careful

    def at(self, when: datetime, step: Callable[[datetime], None]) -> None:
        self.agenda.at(when, self.do(step))

    def after(self, now: datetime, seconds: float, step: Callable[[datetime], None]) -> None:
        self.agenda.after(now, seconds, self.do(step))


def lognormal(dice: random.Random, p50: float, sigma: float = 0.6) -> float:
    """A draw with median `p50`: most are short, a few long, as waiting times are."""
    return dice.lognormvariate(log(p50), sigma)


def new_id(dice: random.Random) -> UUID:
    """A random UUID (version 4) from these dice, so that a seed gives the same day again."""
    return UUID(int=dice.getrandbits(128), version=4)
