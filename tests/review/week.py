"""A week of ordinary look-ups by invented people, and misuse planted among them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from muster.identity.looks.look import LookRow

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE: dict[str, tuple[str, ...]] = {
    "dispatcher": tuple(f"desk{n}" for n in range(10)),
    "officer": tuple(f"officer{n}" for n in range(30)),
    "analyst": ("analyst0", "analyst1"),
    "auditor": ("auditor0", "auditor1"),
}
PER_DAY = 60


class Week:
    """Rows in the order of time, numbered as the log would number them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._rows: list[dict[str, Any]] = []
        self.planted: dict[str, str] = {}

    def look(self, at: datetime, actor: str, matter: str, why: str, **changes: Any) -> None:
        role = next((r for r, people in PEOPLE.items() if actor in people), "officer")
        shown = why in ("order", "area_duty", "callback_due")
        fields = {
            "at": at,
            "actor": actor,
            "session": f"s-{actor}",
            "role": role,
            "organisation": "station",
            "what": "matter.opened",
            "matter": matter,
            "subject": "",
            "outcome": "shown" if shown else "masked",
            "justification": why,
            "basis": "",
            "purpose": "",
            "marks": (),
        }
        self._rows.append({**fields, **changes})

    def rows(self) -> list[LookRow]:
        self._rows.sort(key=lambda row: row["at"])
        found = []
        for number, row in enumerate(self._rows, start=1):
            hashed = sha256(f"{number} {row}".encode()).hexdigest()
            found.append(LookRow(number=number, hash=hashed, **row))
        return found

    def some_time(self, day: int) -> datetime:
        return MONDAY + timedelta(days=day, seconds=self.chance.randrange(86_400))

    def ordinary(self) -> None:
        """Desks open what comes in, crews what they are sent to, a few look around, somebody
        mistypes an address, a retired case is asked for by phone."""
        desks, officers = PEOPLE["dispatcher"], PEOPLE["officer"]
        for day in range(7):
            for n in range(PER_DAY):
                matter, at = f"m{day}-{n}", self.some_time(day)
                for desk in self.chance.sample(desks, 2):
                    self.look(at, desk, matter, "area_duty")
                for officer in self.chance.sample(officers, 2):
                    self.look(at + timedelta(minutes=3), officer, matter, "order")
                if self.chance.random() < 0.3:
                    self.look(at, self.chance.choice(officers), matter, "own_area")
                if self.chance.random() < 0.1:
                    self.look(at, self.chance.choice(desks), f"m{day}-{n // 2}", "no_task")
            for n in range(10):
                self.look(self.some_time(day), "analyst0", f"m{day}-{n}", "analysis")
            self._small_mishaps(day)

    def _small_mishaps(self, day: int) -> None:
        officer = self.chance.choice(PEOPLE["officer"])
        at = self.some_time(day)
        for n in range(2):
            moment = at + timedelta(minutes=n)
            self.look(moment, officer, "m0-0", "no_task", outcome="denied")
        self.look(at, officer, f"m{day}-1", "own_area", marks=("off_duty",))
        self.look(
            at,
            self.chance.choice(PEOPLE["dispatcher"]),
            f"m{day}-2",
            "area_duty",
            marks=("colleague",),
        )

    # --- misuse --------------------------------------------------------------------------------

    def plant(self) -> None:
        """One of each rule, by somebody of his own."""
        for rule, play in PLOTS.items():
            self.planted[rule] = play(self, self.some_time(3).replace(minute=5))


def _own_name(week: Week, at: datetime) -> str:
    week.look(at, "officer1", "m3-1", "own_area", marks=("own_name",))
    return "officer1"


def _colleague(week: Week, at: datetime) -> str:
    week.look(at, "officer2", "m2-7", "no_task", marks=("colleague",))
    return "officer2"


def _unmasked(week: Week, at: datetime) -> str:
    week.look(at, "desk3", "m1-4", "no_task", what="caller.unmasked", outcome="shown")
    return "desk3"


def _browsing(week: Week, at: datetime) -> str:
    for n in range(20):
        week.look(at.replace(hour=n), "desk4", f"m0-{n}", "no_task")
    return "desk4"


def _off_shift(week: Week, at: datetime) -> str:
    for n in range(4):
        week.look(at.replace(hour=2 * n), "officer5", f"m2-{n}", "own_area", marks=("off_duty",))
    return "officer5"


def _spike(week: Week, at: datetime) -> str:
    for n in range(40):
        week.look(at + timedelta(minutes=n), "officer6", f"m3-{n}", "own_area")
    return "officer6"


def _cap(week: Week, at: datetime) -> str:
    for n in range(65):
        day, serial = divmod(n, 20)
        moment = at + timedelta(seconds=40 * n)
        week.look(moment, "desk7", f"m{day}-{serial}", "area_duty")
    return "desk7"


def _celebrity(week: Week, at: datetime) -> str:
    for n in range(10):
        week.look(at + timedelta(minutes=n), f"officer{n + 10}", "m3-9", "own_area")
    return "m3-9"


def _denials(week: Week, at: datetime) -> str:
    for n in range(6):
        moment = at + timedelta(minutes=n)
        week.look(moment, "officer9", f"foreign{n}", "no_task", outcome="denied")
    return "officer9"


#: rule -> plays the misuse and names whom, or which matter, the rule must name.
PLOTS: dict[str, Callable[[Week, datetime], str]] = {
    "own_name": _own_name,
    "colleague": _colleague,
    "unmasked_without_work": _unmasked,
    "opened_without_work": _browsing,
    "off_shift": _off_shift,
    "spike": _spike,
    "hourly_cap": _cap,
    "celebrity": _celebrity,
    "denials": _denials,
}
