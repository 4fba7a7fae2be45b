"""The command centre: call-takers, dispatchers, the reviewer, and who calls back."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from muster.simulate.calls import Call
from muster.simulate.doors import DoorRefused, rfc3339
from muster.simulate.drive import Point
from muster.simulate.matters import AT_WORK, UNSIGNED, Matter, from_row, path
from muster.simulate.officers import Officers
from muster.simulate.play import Play, lognormal, new_id
from muster.simulate.shapes import (
    Answer,
    Body,
    Duplicates,
    Incident,
    IncidentRow,
    Incidents,
    Recommendations,
)

#: A dispatcher looks at a matter again this long after its order should have been signed.
_AFTER_LIMIT_S: Final = 3.0
_NOBODY_FREE_S: Final = 60.0
#: Ratings 满意, 基本满意, 不满意 and their shares: invented.
_RATINGS: Final = ((1, 0.82), (2, 0.13), (3, 0.05))


def opening(call: Call, answered: datetime) -> Body:
    """What a call-taker sends when a call comes in."""
    return {
        "id": str(call.id),
        "channel": call.channel,
        "category": call.category,
        "level": call.level,
        "reported_at": rfc3339(call.reported_at),
        "answered_at": rfc3339(answered),
        "caller_name": call.caller_name,
        "caller_phone": call.caller_phone,
        "narrative": call.narrative,
        "place": {"lon": call.lon, "lat": call.lat, "label": call.label},
        "complete": False,
    }


class CommandDesk:
    """Everything the desk does about a call, from its ringing to the archive."""

    def __init__(self, play: Play, matters: dict[UUID, Matter], officers: Officers) -> None:
        self._play, self._matters, self._officers = play, matters, officers
        self._who = play.desk
        officers.reported = self.review
        officers.returned = self._came_back

    def _dice(self, matter: UUID, what: str) -> random.Random:
        return self._play.dice(what, matter)

    def _command(
        self, matter: Matter | Call, operation: str, body: Body, *, turn: int = 0
    ) -> Answer:
        who = {
            "complete": self._who.call_taker,
            "merge": self._who.call_taker,
            "dispatch": self._who.dispatcher,
            "call_back": self._who.call_taker,
        }.get(operation, self._who.duty_chief)
        command = new_id(self._dice(matter.id, f"command {operation} {turn}"))
        return self._play.doors.command(who, path(matter.id, operation), body, command=command)

    # --- 接警 --------------------------------------------------------------------------------

    def expect(self, call: Call) -> None:
        """A call will come at its time."""
        self._play.at(call.reported_at, lambda now: self._ring(call, now))

    def _ring(self, call: Call, now: datetime) -> None:
        self._play.figures.count("calls")
        dice, habits = self._dice(call.id, "call"), self._play.habits
        answered = call.reported_at + timedelta(seconds=lognormal(dice, habits.answer_p50_s))
        talk = max(lognormal(dice, habits.talk_p50_s, 0.45), 15.0)
        ended = answered + timedelta(seconds=talk)
        typed = answered + timedelta(seconds=talk * 0.4)
        self._play.at(max(typed, now), lambda at: self._open(call, answered, ended, at))

    def _open(self, call: Call, answered: datetime, ended: datetime, now: datetime) -> None:
        body = opening(call, answered)
        command = new_id(self._dice(call.id, "command report"))
        self._play.doors.command(self._who.call_taker, "/api/incidents", body, command=command)
        self._play.figures.count("opened")
        matter = Matter(
            id=call.id,
            level=call.level,
            category=call.category,
            place=Point(call.lon, call.lat),
            reported_at=call.reported_at,
            recorded_arrive_s=call.recorded_arrive_s,
        )
        with self._play.lock:
            self._matters[matter.id] = matter
        self._play.at(max(ended, now), lambda at: self._hang_up(matter, ended, at))

    def _hang_up(self, matter: Matter, ended: datetime, now: datetime) -> None:
        self._command(matter, "complete", {"call_ended_at": rfc3339(min(ended, now))})
        if self._join(matter):
            return
        think = lognormal(self._dice(matter.id, "think"), self._play.habits.think_p50_s)
        if matter.level == 1:
            think /= 3
        self._play.after(now, think, lambda at: self._send(matter, at, turn=0))

    def _join(self, matter: Matter) -> bool:
        """Merge into an open matter of the same kind, near and recent, if the door shows one."""
        where = path(matter.id, "duplicates")
        shown = self._play.doors.read(self._who.call_taker, where, Duplicates)
        habits = self._play.habits
        for one in sorted(shown.items, key=lambda item: (item.distance_m, str(item.incident.id))):
            if (
                one.incident.id != matter.id
                and one.incident.category == matter.category
                and one.incident.merged_into is None
                and one.distance_m <= habits.join_within_m
                and abs(one.age_s) <= habits.join_within_s
            ):
                body: Body = {"into": str(one.incident.id), "reason": "同一地点同类警情（模拟）"}
                try:
                    self._command(matter, "merge", body)
                except DoorRefused as error:
                    # It was closed or merged itself meanwhile: then this one is sent on its own.
                    self._play.figures.refused(error.code)
                    return False
                self._play.figures.count("merged")
                return True
        return False

    # --- 派警 --------------------------------------------------------------------------------

    def _send(self, matter: Matter, now: datetime, *, turn: int) -> None:
        wanted = 2 if matter.level <= 2 and matter.dispatched_at is None else 1
        shown = self._play.doors.read(
            self._who.dispatcher, path(matter.id, "recommendations"), Recommendations, limit=5
        )
        # Only units with a simulated crew would ever answer.
        able = [one.unit for one in shown.candidates if one.unit in self._officers.units]
        if not able:
            self._play.figures.count("nobody_free")
            again = turn + 1
            self._play.after(now, _NOBODY_FREE_S, lambda at: self._look(matter, at, turn=again))
            return
        dice = self._dice(matter.id, f"orders {turn}")
        orders = [(new_id(dice), unit) for unit in able[:wanted]]
        body: Body = {"orders": [{"order": str(order), "unit": unit} for order, unit in orders]}
        try:
            answer = self._command(matter, "dispatch", body, turn=turn)
        except DoorRefused as error:
            if error.code != "unit.unavailable":
                raise
            self._play.figures.refused(error.code)
            again = turn + 1
            self._play.after(now, 3.0, lambda at: self._send(matter, at, turn=again))
            return
        self._sent(matter, orders, answer, now)

    def _sent(
        self, matter: Matter, orders: list[tuple[UUID, str]], answer: Answer, now: datetime
    ) -> None:
        figures = self._play.figures
        with self._play.lock:
            matter.orders.update({order: answer.recorded_at for order, _ in orders})
            first = matter.dispatched_at is None
            matter.dispatched_at = matter.dispatched_at or answer.recorded_at
        figures.count("orders", len(orders))
        if first:
            figures.count("dispatched")
            span = (answer.recorded_at - matter.reported_at).total_seconds()
            figures.span("dispatch_s", span)
        for _, unit in orders:
            self._officers.ring(unit, now)
        self._watch(matter, now)

    def _watch(self, matter: Matter, now: datetime) -> None:
        """Look again when the order should have been signed."""
        limit = self._play.city.limit("sign", matter.level) + _AFTER_LIMIT_S
        self._play.after(now, limit, lambda at: self._look(matter, at, turn=0))

    def _came_back(self, matter: Matter, now: datetime) -> None:
        self._play.after(now, _AFTER_LIMIT_S, lambda at: self._look(matter, at, turn=0))

    def _look(self, matter: Matter, now: datetime, *, turn: int) -> None:
        """Ring units the server offered the matter to by itself; send again if nobody has it."""
        if matter.reported:
            return
        where = f"/api/incidents/{matter.id}"
        row = self._play.doors.read(self._who.dispatcher, where, Incident).row
        asked = [one for one in row.orders if one.state in UNSIGNED]
        for one in asked:
            with self._play.lock:
                new = one.order not in matter.orders
                matter.orders.setdefault(one.order, None)
            if new:
                self._play.figures.count("reoffered")
                self._officers.ring(one.unit, now)
        if asked:
            self._watch(matter, now)
        elif row.state == "waiting" and not any(one.state in AT_WORK for one in row.orders):
            self._offer_again(matter, now, turn=turn)

    def _offer_again(self, matter: Matter, now: datetime, *, turn: int) -> None:
        # Orders given so far make the turn's command ids new ones.
        again = 100 * len(matter.orders) + turn
        if turn:
            self._send(matter, now, turn=again)
        else:
            self._play.after(now, 10.0, lambda at: self._look(matter, at, turn=1))

    # --- 审核, 办结, 回访, 归档 --------------------------------------------------------------

    def review(self, matter: Matter, now: datetime) -> None:
        """The closing feedback is in: somebody will read it."""
        delay = lognormal(self._dice(matter.id, "review"), self._play.habits.review_p50_s)
        self._play.after(now, delay, lambda at: self._review(matter, at, turn=0))

    def _review(self, matter: Matter, now: datetime, *, turn: int) -> None:
        dice = self._dice(matter.id, "sent back")
        if not matter.sent_back and dice.random() < self._play.habits.send_back:
            self._command(matter, "return_feedback", {"reason": "反馈内容不完整（模拟）"})
            matter.sent_back, matter.reported = True, False
            self._play.figures.count("sent_back")
            self._play.after(now, 300.0, lambda at: self._officers.say_again(matter, at))
            return
        try:
            self._command(matter, "close", {}, turn=turn)
        except DoorRefused as error:
            if error.code != "orders.active" or turn >= 50:
                raise
            # A unit is still there, or one never answered and is not released yet.
            self._play.after(now, 300.0, lambda at: self._review(matter, at, turn=turn + 1))
            return
        self._play.figures.count("closed")
        delay = lognormal(self._dice(matter.id, "call back"), self._play.habits.call_back_p50_s)
        self._play.after(now, delay, lambda at: self._call_back(matter, at))

    def _call_back(self, matter: Matter, now: datetime) -> None:
        ratings, shares = zip(*_RATINGS, strict=True)
        (rating,) = self._dice(matter.id, "rating").choices(ratings, shares)
        self._command(matter, "call_back", {"rating": rating})
        self._play.figures.count("called_back")
        self._play.after(now, self._play.habits.archive_s, lambda at: self._archive(matter, at))

    def _archive(self, matter: Matter, now: datetime) -> None:
        self._command(matter, "archive", {})
        self._play.figures.count("archived")
        self._forget(matter.id)

    def _forget(self, matter: UUID) -> None:
        self._officers.forget(matter)
        with self._play.lock:
            self._matters.pop(matter, None)

    def forget_before(self, moment: datetime) -> None:
        """Days on end: let go of what was reported before `moment` and never archived."""
        old = [one.id for one in list(self._matters.values()) if one.reported_at < moment]
        for matter in old:
            self._forget(matter)

    # --- live: other people's matters --------------------------------------------------------

    def open_rows(self) -> list[IncidentRow]:
        """Every open matter on the board."""
        rows: list[IncidentRow] = []
        before: str | None = None
        while True:
            page = self._play.doors.read(
                self._who.dispatcher, "/api/incidents", Incidents, scope="open", before=before
            )
            rows.extend(page.items)
            if page.next is None or not page.items:
                return rows
            before = page.next

    def watch_board(self, now: datetime) -> None:
        """Ring units that anybody (a visitor at the board, the server) gave an order to, and
        those whose officer was interrupted at it."""
        for row in self.open_rows():
            for one in row.orders:
                if self._officers.wanted(one.order, one.state):
                    self._officers.ring(one.unit, now)

    def adopt(self, now: datetime) -> int:
        """Take up what an earlier run left open. Returns the number of matters taken up."""
        adopted = 0
        for row in self.open_rows():
            matter = from_row(row)
            if matter is None or matter.id in self._matters:
                continue
            self._matters[matter.id] = matter
            adopted += 1
            matter.orders = {one.order: None for one in row.orders}
            delay = 5.0 + adopted
            if row.state == "received":
                step = lambda at, one=matter: self._hang_up(one, at, at)  # noqa: E731
            elif row.state == "waiting":
                step = lambda at, one=matter: self._send(one, at, turn=0)  # noqa: E731
            elif row.state == "reported":
                matter.reported = True
                step = lambda at, one=matter: self._review(one, at, turn=0)  # noqa: E731
            else:
                for one in row.orders:
                    if one.state in (*UNSIGNED, *AT_WORK):
                        self._officers.ring(one.unit, now)
                continue
            self._play.after(now, delay, step)
        return adopted
