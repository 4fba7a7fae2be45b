"""Officers: a phone per unit. It rings, they sign (mostly), drive, arrive, report and go home."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from muster.simulate.doors import DoorBroken, DoorRefused, rfc3339
from muster.simulate.drive import Leg, Point, leg
from muster.simulate.ground import Ground
from muster.simulate.matters import AT_WORK, UNSIGNED, Matter, from_row, path
from muster.simulate.people import Crew
from muster.simulate.play import Play, lognormal, new_id
from muster.simulate.shapes import Account, Body, MyOrders, Units
from muster.simulate.words import feedback_text

#: At most so many fixes in one batch; a phone without signal for longer thins them out.
_BATCH: Final = 60
_STANDING_S = 120.0
_PATROL_KMH: Final = 25.0
_RETURN_REASONS: Final = (
    "车辆故障，无法出动（模拟）",
    "正在处理其他警情（模拟）",
    "距离过远（模拟）",
)


@dataclass
class Patrol:
    """One unit out there. leg: the way it is on; errand: the order it works on."""

    crew: Crew
    base: Point
    spot: Point
    speed_kmh: float
    mode: str
    dice: random.Random
    leg: Leg | None = None
    errand: Errand | None = None
    fixed_at: datetime | None = None

    def where(self, now: datetime) -> Point:
        return self.spot if self.leg is None else self.leg.at(now)


@dataclass
class Errand:
    """One order being carried out by one unit."""

    order: UUID
    matter: Matter
    unit: Patrol
    dice: random.Random
    given_at: datetime | None = None
    over: bool = False
    steps: list[str] = field(default_factory=list)


class Officers:
    """All units with a crew. `reported` and `returned` tell the desk, by radio as it were."""

    def __init__(self, play: Play, matters: dict[UUID, Matter], ground: Ground) -> None:
        self._play, self._matters, self._ground = play, matters, ground
        self.reported: Callable[[Matter, datetime], None] = lambda matter, now: None
        self.returned: Callable[[Matter, datetime], None] = lambda matter, now: None
        self._errands: dict[UUID, Errand] = {}
        self.units = {unit: self._patrol(crew) for unit, crew in play.crews.items()}

    def _patrol(self, crew: Crew) -> Patrol:
        unit = self._play.pack.units[crew.unit]
        base = Point(unit.lon, unit.lat)
        dice = self._play.dice("unit", unit.id)
        return Patrol(crew, base, base, unit.speed_kmh, unit.mode, dice)

    def sign_on(self, who: Account, now: datetime) -> int:
        """Put every unit on duty that is not; `who` may do it for all. Returns how many."""
        rows = {row.id: row for row in self._play.doors.read(who, "/api/units", Units).items}
        signed = 0
        for unit in self.units.values():
            row = rows.get(unit.crew.unit)
            if row is None:
                continue
            if row.position is not None:
                unit.spot = Point(row.position.lon, row.position.lat)
            if not row.on_duty:
                body: Body = {"crew": [unit.crew.person]}
                path_ = f"/api/units/{unit.crew.unit}/sign_on"
                try:
                    self._play.doors.send(who, path_, body)
                    signed += 1
                except DoorRefused as error:
                    self._play.figures.refused(error.code)
            if self._play.habits.patrol:
                # Hundreds of phones signing in at once would be nobody's day.
                start = unit.dice.uniform(1, 12 * self._play.habits.roll_every_s)
                self._play.after(now, start, self._roaming(unit))
                self._play.after(now, start, self._standing(unit))
        return signed

    # --- the phone --------------------------------------------------------------------------

    def ring(self, unit: str, now: datetime) -> None:
        """Something is new for this unit: its phone will look in a moment."""
        found = self.units.get(unit)
        if found is not None:
            delay = found.dice.uniform(0.5, 2.5)
            self._play.after(now, delay, lambda at: self._look(found, at))

    def wanted(self, order: UUID, state: str) -> bool:
        """Whether somebody's phone should ring for this order: nobody is at work on it."""
        errand = self._errands.get(order)
        if errand is None:
            return state in (*UNSIGNED, *AT_WORK)
        return errand.over and state in AT_WORK

    def _look(self, unit: Patrol, now: datetime) -> None:
        mine = self._play.doors.read(unit.crew.account, "/api/my/orders", MyOrders)
        for one in mine.orders:
            with self._play.lock:
                if not self.wanted(one.order, one.state):
                    continue
                matter = self._matters.get(one.incident.id) or from_row(one.incident)
                if matter is None:
                    continue
                self._matters[matter.id] = matter
                dice = self._play.dice("order", one.order)
                given = matter.orders.setdefault(one.order, None)
                errand = Errand(one.order, matter, unit, dice, given)
                self._errands[one.order] = errand
            self._take_up(errand, one.state, now)

    def _take_up(self, errand: Errand, state: str, now: datetime) -> None:
        """From where the order stands: new ones, and those a stopped simulation left behind."""
        if state in UNSIGNED:
            self._deliver(errand, now, known=state == "delivered")
            return
        if state not in AT_WORK:
            return
        errand.matter.active.add(errand.order)
        errand.unit.errand = errand
        if state == "signed":
            self._play.after(now, 5, lambda at: self._set_out(errand, at))
        elif state == "under_way":
            self._start(errand, now)
        else:
            errand.unit.spot, errand.unit.leg = errand.matter.place, None
            handle = lognormal(errand.dice, self._play.habits.handle_p50_s) / 2
            if state == "on_scene":
                self._handle(errand, now)
            else:
                self._play.after(now, handle, lambda at: self._finish(errand, at))

    def _step(self, errand: Errand, step: str, now: datetime, reason: str | None = None) -> None:
        """One step of the order at the door. A refusal ends the errand: somebody decided else."""
        spot = errand.unit.where(now)
        body: Body = {"at": rfc3339(now), "lon": spot.lon, "lat": spot.lat}
        if reason is not None:
            body["reason"] = reason
        where = path(errand.matter.id, f"orders/{errand.order}/{step}")
        who, command = errand.unit.crew.account, self._command(errand, step)
        try:
            try:
                self._play.doors.command(who, where, body, command=command)
            except DoorRefused as error:
                if error.code != "time.impossible":
                    raise
                # A server that came back goes on from where its journal ended: behind us.
                body["at"] = rfc3339(self._play.resync())
                command = self._command(errand, f"{step} resynchronised")
                self._play.doors.command(who, where, body, command=command)
        except (DoorRefused, DoorBroken):
            self._end(errand, now)
            raise
        errand.steps.append(step)

    def _command(self, errand: Errand, step: str) -> UUID:
        return new_id(self._play.dice("command", errand.order, step))

    def _end(self, errand: Errand, now: datetime) -> None:
        with self._play.lock:
            errand.over = True
            errand.matter.active.discard(errand.order)
            unit = errand.unit
            if unit.errand is errand:
                unit.spot, unit.leg, unit.errand = unit.where(now), None, None

    # --- the order --------------------------------------------------------------------------

    def _deliver(self, errand: Errand, now: datetime, *, known: bool) -> None:
        habits, dice = self._play.habits, errand.dice
        if not known:
            self._step(errand, "deliver", now)
        draw = dice.random()
        if draw < habits.never_sign:
            self._play.figures.count("unanswered")
        elif draw < habits.never_sign + habits.give_back:
            self._play.after(now, dice.uniform(5, 25), lambda at: self._give_back(errand, at))
        else:
            delay = lognormal(dice, habits.sign_p50_s)
            self._play.after(now, delay, lambda at: self._sign(errand, at))

    def _give_back(self, errand: Errand, now: datetime) -> None:
        self._step(errand, "return", now, errand.dice.choice(_RETURN_REASONS))
        self._play.figures.count("returned")
        self._end(errand, now)
        self.returned(errand.matter, now)

    def _sign(self, errand: Errand, now: datetime) -> None:
        self._step(errand, "sign", now)
        if errand.given_at is not None:
            self._play.figures.span("sign_s", (now - errand.given_at).total_seconds())
        with self._play.lock:
            errand.matter.active.add(errand.order)
            unit = errand.unit
            unit.spot, unit.leg, unit.errand = unit.where(now), None, errand
        delay = lognormal(errand.dice, self._play.habits.turn_out_p50_s)
        self._play.after(now, delay, lambda at: self._set_out(errand, at))

    def _set_out(self, errand: Errand, now: datetime) -> None:
        self._step(errand, "set_out", now)
        self._start(errand, now)

    def _start(self, errand: Errand, now: datetime) -> None:
        unit = errand.unit
        goal, detour = errand.matter.place, self._play.habits.detour
        unit.leg = leg(unit.where(now), goal, now, speed_kmh=unit.speed_kmh, detour=detour)
        unit.fixed_at = now
        self._drive(errand, now)

    def _drive(self, errand: Errand, now: datetime) -> None:
        unit = errand.unit
        if errand.over or unit.leg is None:
            return
        self._send_fixes(unit, now)
        left = (unit.leg.end - now).total_seconds()
        if left <= 0:
            self._arrive(errand, now)
        else:
            wait = min(left, self._play.habits.batch_every_s)
            self._play.after(now, wait, lambda at: self._drive(errand, at))

    def _arrive(self, errand: Errand, now: datetime) -> None:
        matter, unit = errand.matter, errand.unit
        self._step(errand, "arrive", now)
        with self._play.lock:
            unit.spot, unit.leg = matter.place, None
            first = matter.arrived_at is None
            matter.arrived_at = matter.arrived_at or now
        if first and matter.dispatched_at is not None:
            figures = self._play.figures
            figures.span("arrive_s", (now - matter.dispatched_at).total_seconds())
            if matter.recorded_arrive_s is not None:
                figures.span("recorded_arrive_s", matter.recorded_arrive_s)
        delay = errand.dice.uniform(10, 60)
        self._play.after(now, delay, lambda at: self._handle(errand, at))

    def _handle(self, errand: Errand, now: datetime) -> None:
        self._step(errand, "handle", now)
        seconds = lognormal(errand.dice, self._play.habits.handle_p50_s)
        if errand.matter.level <= 2 or errand.dice.random() < 0.25:
            self._play.after(now, seconds * 0.4, lambda at: self._say(errand, at, final=False))
        self._play.after(now, seconds, lambda at: self._finish(errand, at))

    def _say(self, errand: Errand, now: datetime, *, final: bool) -> None:
        """Feedback (反馈): what was found and done so far, or for good."""
        matter, dice = errand.matter, errand.dice
        if errand.over or matter.reported:
            return
        body: Body = {
            "result": "handled" if dice.random() < 0.9 else "unfounded",
            "final": final,
            "narrative": feedback_text(dice, final=final),
            "injured": int(dice.random() < 0.05),
            "dead": 0,
            "rescued": int(dice.random() < 0.04),
            "people": dice.randint(2, 4),
            "vehicles": int(errand.unit.mode == "road"),
            "boats": int(errand.unit.mode == "water"),
        }
        if final:
            body["final_category"] = matter.category
        command = self._command(errand, f"feed_back {final} {matter.sent_back}")
        where = path(matter.id, "feed_back")
        self._play.doors.command(errand.unit.crew.account, where, body, command=command)
        matter.reported = final

    def _finish(self, errand: Errand, now: datetime) -> None:
        """The last unit at the scene gives the closing feedback before it leaves."""
        matter = errand.matter
        with self._play.lock:
            # In one breath: of two units leaving at once exactly one is the last.
            matter.active.discard(errand.order)
            closing = not matter.active and not matter.reported
        if closing:
            try:
                self._say(errand, now, final=True)
            except DoorRefused as error:
                # Somebody else closed it meanwhile; the unit leaves all the same.
                self._play.figures.refused(error.code)
        self._step(errand, "finish", now)
        self._end(errand, now)
        if closing:
            if matter.arrived_at is not None and not matter.sent_back:
                self._play.figures.span("clear_s", (now - matter.arrived_at).total_seconds())
            self.reported(matter, now)
        self._go_home(errand.unit, now)

    def say_again(self, matter: Matter, now: datetime) -> None:
        """The review sent the feedback back: the officer who gave it writes it again."""
        errands = [one for one in self._errands.values() if one.matter is matter and one.steps]
        if errands:
            errand = errands[-1]
            errand.over, matter.reported = False, False
            self._say(errand, now, final=True)
            self.reported(matter, now)

    def forget(self, matter: UUID) -> None:
        """The matter is archived: nothing more will be asked about its orders."""
        with self._play.lock:
            for order in [o for o, one in self._errands.items() if one.matter.id == matter]:
                del self._errands[order]

    # --- between orders ---------------------------------------------------------------------

    def _go_home(self, unit: Patrol, now: datetime) -> None:
        with self._play.lock:
            if unit.errand is not None:
                return
            speed = min(unit.speed_kmh, 40.0)
            detour = self._play.habits.detour
            unit.leg = leg(unit.spot, unit.base, now, speed_kmh=speed, detour=detour)
            unit.fixed_at = now
            way = unit.leg
        self._play.at(self._next_batch(way, now), lambda at: self._roll(unit, way, at))

    def _next_batch(self, way: Leg, now: datetime) -> datetime:
        """Without patrols (a replay at full speed) nobody watches the way home: its end will do."""
        if not self._play.habits.patrol:
            return way.end
        return min(way.end, now + timedelta(seconds=self._play.habits.roll_every_s))

    def _roll(self, unit: Patrol, way: Leg, now: datetime) -> None:
        """Drive on between orders, unless an order came in between."""
        if unit.leg is not way or unit.errand is not None:
            return
        self._send_fixes(unit, now)
        if now < way.end:
            self._play.at(self._next_batch(way, now), lambda at: self._roll(unit, way, at))
            return
        with self._play.lock:
            if unit.leg is way:
                unit.spot, unit.leg = way.goal, None
        if self._play.habits.patrol:
            pause = unit.dice.uniform(60, 900)
            self._play.after(now, pause, lambda at: self._roam(unit, at))

    def _roaming(self, unit: Patrol) -> Callable[[datetime], None]:
        return lambda at: self._roam(unit, at)

    def _roam(self, unit: Patrol, now: datetime) -> None:
        """A round near the base: cars stay on their island, boats on the water."""
        if unit.errand is not None or unit.leg is not None:
            return
        goal = self._ground.near(unit.base, water=unit.mode == "water", dice=unit.dice)
        with self._play.lock:
            speed = min(unit.speed_kmh, _PATROL_KMH)
            unit.leg = way = leg(unit.spot, goal, now, speed_kmh=speed, detour=1.0)
            unit.fixed_at = now
        self._roll(unit, way, now)

    def _send_fixes(self, unit: Patrol, now: datetime) -> None:
        """The fixes taken since the last batch. Refused ones are counted, not fatal."""
        way, since = unit.leg, unit.fixed_at
        if way is None or since is None:
            return
        every = self._play.habits.fix_every_s
        moments = list(way.moments(since, min(now, way.end), every))[-_BATCH:]
        if now >= way.end:
            moments = [*moments[-_BATCH + 1 :], way.end] if moments[-1:] != [way.end] else moments
        fixes: list[dict[str, object]] = []
        for moment in moments:
            spot = way.at(moment)
            fixes.append(
                {
                    "lon": spot.lon,
                    "lat": spot.lat,
                    "at": rfc3339(moment),
                    "speed_kmh": way.speed_kmh if moment < way.end else 0,
                    "heading": way.heading,
                    "accuracy_m": 8,
                }
            )
        if not fixes:
            return
        unit.fixed_at = now
        self._send(unit, fixes)

    def _standing(self, unit: Patrol) -> Callable[[datetime], None]:
        return lambda at: self._stand(unit, at)

    def _stand(self, unit: Patrol, now: datetime) -> None:
        """A phone that does not move says so now and then, or its unit would count as silent."""
        self._play.after(now, _STANDING_S, self._standing(unit))
        if unit.leg is None:
            spot = unit.spot
            here = {"lon": spot.lon, "lat": spot.lat, "at": rfc3339(now), "speed_kmh": 0}
            self._send(unit, [{**here, "accuracy_m": 8}])

    def _send(self, unit: Patrol, fixes: list[dict[str, object]]) -> None:
        try:
            body: Body = {"unit": unit.crew.unit, "fixes": fixes}
            self._play.doors.send(unit.crew.account, "/api/positions", body)
            self._play.figures.count("fixes", len(fixes))
        except DoorRefused as error:
            self._play.figures.refused(error.code)
