"""People of the city acting in an open system: real authority, real tables, no HTTP."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta
from typing import Any

import msgspec
import psycopg

from muster import app
from muster.command.incidents import inputs
from muster.command.incidents.state import Incident
from muster.command.retention import inputs as retention
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions, token_hash
from muster.journal.context import Actor
from muster.journal.perform import Answer, Asked
from muster.journal.read import Reading
from muster.journal.refusal import Refused

#: 沈家门, and words nobody else uses. All invented.
PLACE = inputs.Place(122.301, 29.947, "示例-沈家门渔港七号泊位")
CALLER, PHONE = "示例-欧阳测试", "00099912345"
NARRATIVE = "示例：码头有人落水，穿蓝色雨衣"
SECRETS = (CALLER, PHONE, NARRATIVE, "沈家门渔港七号泊位")
UNITS = ("pt-shenjiamen-01", "pt-shenjiamen-02", "pt-donggang-01", "pt-donggang-02")


class Acting:
    """`do(role, operation, matter, input)` performs as somebody of that role at the top of the
    city. Command ids are counted, so that a test can repeat one."""

    def __init__(self, system: app.System) -> None:
        self.system = system
        self.pack = system.platform.pack
        self._sessions = Sessions(system.platform.pool, Passwords(testing=True))
        self._actors: dict[str, Actor] = {}
        self._serial = itertools.count(1)

    # --- who ---------------------------------------------------------------------------------

    def actor(self, person: str) -> Actor:
        """A person of the pack, signed in."""
        if person not in self._actors:
            with self.system.platform.pool.connection() as connection:
                token, _ = self._sessions.open_for(connection, person)
            self._actors[person] = Actor(person, token_hash(token).hex())
        return self._actors[person]

    def top(self, role: str) -> Actor:
        """The first person of a role whose grant covers the whole city."""
        return self.actor(
            next(
                one.id
                for one in self.pack.people.values()
                if one.role == role and self.pack.organisation(one.organisation).parent is None
            )
        )

    def crew(self, unit: str) -> str:
        """The officer who usually crews a unit."""
        return next(one.id for one in self.pack.people.values() if one.unit == unit)

    def on_duty(self, *units: str) -> None:
        """Put units on duty, each with its officer."""
        from muster.action.units import duty

        now = self.system.platform.clock.now()
        for unit in units:
            with self.system.platform.pool.connection() as connection:
                duty.sign_on(
                    connection,
                    duty.locked_unit(connection, unit),
                    duty.SignOn((self.crew(unit),)),
                    now=now,
                    actor=self.crew(unit),
                    pack=self.pack,
                )

    # --- what --------------------------------------------------------------------------------

    def asked(
        self,
        who: str | Actor,
        operation: str,
        matter: str,
        asked: msgspec.Struct | None = None,
        *,
        command: str = "",
    ) -> Asked:
        wired = self.system.platform.operations[operation]
        return Asked(
            operation=wired,
            actor=self.top(who) if isinstance(who, str) else who,
            matter=matter,
            input=wired.input() if asked is None else asked,
            command=command or self.fresh(),
        )

    def do(
        self, who: str | Actor, operation: str, matter: str, asked: Any = None, **more: Any
    ) -> Answer:
        return self.system.platform.journal.perform(
            self.asked(who, operation, matter, asked, **more)
        )

    def refusal(self, *args: Any, **more: Any) -> str:
        """The code of the refusal; empty when it was done."""
        try:
            self.do(*args, **more)
        except Refused as refused:
            return refused.code
        return ""

    def fresh(self) -> str:
        return str(uuid.UUID(int=next(self._serial) << 64))

    def report(self, **changed: Any) -> str:
        """Open a matter with an invented call."""
        now = self.system.platform.clock.now()
        values: dict[str, Any] = {
            "id": self.fresh(),
            "channel": "110",
            "category": "010104",
            "reported_at": now - timedelta(seconds=60),
            "answered_at": now - timedelta(seconds=50),
            "call_ended_at": now - timedelta(seconds=5),
            "caller_name": CALLER,
            "caller_phone": PHONE,
            "narrative": NARRATIVE,
            "place": PLACE,
        }
        asked = inputs.Report(**{**values, **changed})
        self.do("call_taker", "incident.report", asked.id, asked)
        return asked.id

    def dispatch(self, matter: str, unit: str) -> str:
        """Send a unit; returns the order."""
        order = self.fresh()
        wanted = inputs.Dispatch((inputs.OrderWanted(order, unit),))
        self.do("dispatcher", "incident.dispatch", matter, wanted)
        return order

    def walk(self, matter: str, order: str, *steps: str) -> None:
        """The order's crew takes steps."""
        from muster.action.orders.decide import Step

        unit = self.state(matter).orders[order].unit
        officer = self.actor(self.crew(unit))
        for step in steps:
            self.wait(10)
            reason = "示例：车坏" if step == "return" else None
            asked = Step(order=order, at=self.system.platform.clock.now(), reason=reason)
            self.do(officer, f"order.{step}", matter, asked)

    def close(self, matter: str, unit: str) -> None:
        """Send a unit, let it handle, feed back, review and close."""
        order = self.dispatch(matter, unit)
        self.walk(matter, order, "deliver", "sign", "set_out", "arrive", "handle")
        asked = inputs.FeedBack(result="handled", final=True, narrative="示例：已救起")
        self.do(self.actor(self.crew(unit)), "incident.feed_back", matter, asked)
        self.walk(matter, order, "finish")
        self.do("duty_chief", "incident.close", matter)

    def erase(self, matter: str, *classes: str) -> None:
        """One person proposes, another agrees. All that is left when no class is named."""
        left = classes or sorted(self.state(matter).retention.left)
        asked = retention.ProposeErasure(left, "示例：法定删除", "示例")  # type: ignore[arg-type]
        self.do("dispatcher", "retention.propose_erasure", matter, asked)
        proposal = self.state(matter).retention.proposal
        assert proposal is not None
        agreed = retention.ApproveErasure(proposal.number)
        self.do("duty_chief", "retention.approve_erasure", matter, agreed)

    def keep(self, matter: str, unit: str) -> str:
        """Close a matter and use everything there is about its keeping; returns the hold."""
        self.close(matter, unit)
        self.erase(matter, "place")
        hold = self.fresh()
        placed = retention.PlaceHold(hold, "示例：冻结", "示例")
        self.do("duty_chief", "retention.place_hold", matter, placed)
        self.do("duty_chief", "retention.seal", matter, retention.Seal("示例：封存", "示例"))
        return hold

    def wait(self, seconds: float) -> None:
        """Let the clock run, with everything that falls due and follows."""
        to = self.system.platform.clock.now() + timedelta(seconds=seconds)
        self.system.simulate_to(to)

    # --- what is there -----------------------------------------------------------------------

    def state(self, matter: str) -> Incident:
        journal = self.system.platform.journal
        with journal.pool.connection() as connection:
            entries = Reading(connection, journal.vault, journal.kinds).entries(matter)
        state: Incident = journal.fold(entries)
        return state

    def kinds(self, matter: str) -> list[str]:
        journal = self.system.platform.journal
        with journal.pool.connection() as connection:
            entries = Reading(connection, journal.vault, journal.kinds).entries(matter)
        return [entry.kind for entry in entries]

    def path(self, organisation: str) -> str:
        """The organisation under its superiors, as `matter_access` has it."""
        return ".".join(self.pack.path(organisation))

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.system.settings.app_dsn) as connection:
            connection.execute("SET timezone = 'UTC'")
            return connection.execute(statement.encode(), values).fetchall()
