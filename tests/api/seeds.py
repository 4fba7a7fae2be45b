"""Matters in every state, made through the real doors of an instance on a driven clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from muster.command.incidents.state import STATES
from muster.geography.pack import Pack
from tests.stories.desk import Person, call

#: What people might say. Never in clear anywhere but in an answer. All invented.
SECRETS = ("示例-西门测试", "000-7777-1234", "示例：西门外有人落水，红衣")
CALLER, PHONE, WORDS = SECRETS


@dataclass
class Seeds:
    """`make(state)` gives a fresh matter in that state. `chief` and `second` hold every right
    over the whole city; `units` are on duty. `orders`: (matter, order); `merged`: duplicate → main.
    """

    chief: Person
    second: Person
    units: list[str]
    pack: Pack
    now: datetime
    orders: list[tuple[str, str]] = field(default_factory=list)
    matters: list[str] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    _serial: Any = field(default_factory=lambda: itertools.count(1))

    def fresh(self) -> str:
        """A new id; the same ones in every run."""
        return str(UUID(int=(0xABCD << 112) + next(self._serial)))

    def make(self, state: str) -> str:
        matter = getattr(self, f"_{state}")()
        assert self.chief.get(f"/api/incidents/{matter}")["row"]["state"] == state
        return str(matter)

    def certified(self) -> str:
        """An archived matter whose caller was erased by two people."""
        matter, law = self.make("archived"), {"basis": "invented law", "reason": "示例"}
        where = f"/api/retention/matters/{matter}"
        self.second.do(f"{where}/propose_erasure", {"classes": ["caller"], **law})
        number = self.chief.get(where)["retention"]["proposal"]["number"]
        self.chief.do(f"{where}/approve_erasure", {"proposal": number})
        return matter

    def report(self, **changes: Any) -> dict[str, Any]:
        """The body of a call that just ended, as JSON has it."""
        times = {
            "reported_at": self.now - timedelta(seconds=60),
            "answered_at": self.now - timedelta(seconds=50),
            "call_ended_at": self.now - timedelta(seconds=5),
        }
        people = {"caller_name": CALLER, "caller_phone": PHONE, "narrative": WORDS}
        body = {**call(self.fresh()), **times, **people, **changes}
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
        return found

    def do(self, matter: str, word: str, body: Any = None) -> None:
        self.chief.do(f"/api/incidents/{matter}/{word}", body)

    def unit(self, of: str = "") -> str:
        """A free unit of ours, or of one organisation; when none is free, all are made so first."""
        for _ in range(2):
            rows = [one for one in self.chief.get("/api/units")["items"] if one["id"] in self.units]
            rows = [one for one in rows if of in ("", one["organisation"])]
            for row in rows:
                if row["group"] == "available":
                    return str(row["id"])
            for row in rows:
                self._free(row)
        raise AssertionError("no unit can be made free")

    def _free(self, row: dict[str, Any]) -> None:
        if (at := row["order"]) is not None:
            body = {"order": at["order"], "reason": "示例"}
            self.chief.try_to(f"/api/incidents/{at['incident']}/withdraw", body)
        if not row["on_duty"]:
            self.put_on_duty(row["id"])
        self.chief.try_to(f"/api/units/{row['id']}/status", {"status": "available"})

    def put_on_duty(self, unit: str) -> None:
        """With the officer the pack names for it."""
        crew = [one.id for one in self.pack.people.values() if one.unit == unit]
        self.chief.try_to(f"/api/units/{unit}/sign_on", {"crew": crew[:1]})

    def _opened(self, **changes: Any) -> str:
        body = self.report(**changes)
        self.chief.do("/api/incidents", body)
        self.matters.append(body["id"])
        return str(body["id"])

    def _received(self) -> str:
        return self._opened(complete=False, call_ended_at=None)

    def _waiting(self) -> str:
        return self._opened()

    def _dispatched(self) -> str:
        matter, order = self._opened(), self.fresh()
        self.do(matter, "dispatch", {"orders": [{"order": order, "unit": self.unit()}]})
        self.orders.append((matter, order))
        return matter

    def _stepped(self, *steps: str) -> str:
        matter = self._dispatched()
        for step in steps:
            self.do(matter, f"orders/{self.orders[-1][1]}/{step}", {"at": self.now})
        return matter

    def _signed(self) -> str:
        return self._stepped("sign")

    def _under_way(self) -> str:
        return self._stepped("deliver", "sign", "set_out")

    def _on_scene(self) -> str:
        return self._stepped("sign", "arrive")

    def _handling(self) -> str:
        return self._stepped("sign", "arrive", "handle")

    def _reported(self) -> str:
        """Fed back, every unit free again."""
        matter = self._handling()
        found = {"result": "handled", "final": True, "narrative": WORDS}
        self.do(matter, "feed_back", found)
        self.do(matter, f"orders/{self.orders[-1][1]}/finish", {"at": self.now})
        return matter

    def _after(self, state: str, word: str, body: Any = None) -> str:
        before: Callable[[], str] = getattr(self, f"_{state}")
        matter = before()
        self.do(matter, word, body)
        return matter

    def _closed(self) -> str:
        return self._after("reported", "close")

    def _called_back(self) -> str:
        return self._after("closed", "call_back", {"rating": 1, "note": WORDS})

    def _archived(self) -> str:
        return self._after("closed", "archive")

    def _merged(self) -> str:
        main = self._waiting()
        matter = self._after("waiting", "merge", {"into": main, "reason": "示例"})
        self.merged[matter] = main
        return matter

    def _cancelled(self) -> str:
        matter = self._waiting()
        self.do(matter, "request_cancel", {"kind": "invalid", "reason": "示例"})
        self.second.do(f"/api/incidents/{matter}/confirm_cancel")
        return matter


assert all(hasattr(Seeds, f"_{state}") for state in STATES)
