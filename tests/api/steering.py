"""Real values for generated requests, so that they reach matters, units and people that exist.

What schemathesis makes fits the schema and names nothing real: every answer would be "unknown".
`Steering.steer` puts known ids, codes and likely times where they belong, most of the time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from muster.geography.pack import Pack
from muster.identity.roles import ROLES
from tests.api.seeds import SECRETS, Seeds
from tests.instance import PASSWORD

#: The id of every hold that is made beforehand.
HELD = "0b1f6f0e-7d0a-4b6e-9a35-0c8a4d1f2e99"
#: Of ten values nine are real.
REAL = 0.9


def shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Steering:
    """`stock`: matters made for the operation under test. `victims`: people (id → username) whose
    accounts may be changed. `crewing`: (officer, unit) of the one who sends positions."""

    pack: Pack
    seeds: Seeds
    chance: random.Random
    victims: dict[str, str]
    crewing: tuple[str, str]
    grants: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    stock: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    proposal: int = 1

    def steer(self, case: Any) -> None:
        """Change a schemathesis case in place."""
        matter = self.a_matter()
        order = self.order_of(matter)
        self._path(case, matter, order)
        if isinstance(case.body, dict):
            case.body = self.real(case.body, order)
            if "fixes" in case.body and self._likely():
                case.body["unit"] = self.crewing[1]
            if "main" in case.body and matter in self.seeds.merged and self._likely():
                case.body["main"] = self.seeds.merged[matter]
            signing_in = {"username", "password"} <= set(case.body) and "name" not in case.body
            if signing_in and self._likely():
                case.body["username"] = self.chance.choice(list(self.victims.values()))
            if "reason" in case.body and "organisation" in case.path_parameters:
                self._bearable(case.body)
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = self.a_command()
        if isinstance(case.query.get("before"), str) and self._likely():
            case.query["before"] = f"{shown(self.seeds.now)},{self.a_matter()}"
        for name in ("q", "after"):
            if name in case.query and self.chance.random() < 0.5:
                del case.query[name]

    def _bearable(self, policy: dict[str, Any]) -> None:
        """A policy that leaves everybody at work."""
        policy |= {"shortest": 12, "idle_s": 86_400, "longest_s": 86_400, "factor_roles": []}
        for name in ("methods", "failures", "lock_s"):
            policy.pop(name, None)

    def a_matter(self) -> str:
        """One made for this operation, one of all, or nobody's."""
        roll = self.chance.random()
        if self.stock and roll < 0.5:
            return self.chance.choice(self.stock)
        return self.chance.choice(self.seeds.matters) if roll < 0.95 else self.seeds.fresh()

    def order_of(self, matter: str) -> str:
        known = [order for of, order in self.seeds.orders if of == matter]
        if known:
            return known[-1]
        return self.chance.choice(self.seeds.orders)[1] if self.seeds.orders else matter

    def a_command(self) -> str:
        """A fresh command id, now and then one used before."""
        if self.commands and self.chance.random() < 0.05:
            return self.chance.choice(self.commands)
        self.commands.append(self.seeds.fresh())
        return self.commands[-1]

    def _likely(self) -> bool:
        return self.chance.random() < REAL

    def _path(self, case: Any, matter: str, order: str) -> None:
        real = {
            "matter": matter,
            "order": order,
            "unit": self.chance.choice(self.seeds.units),
            "person": self.chance.choice(list(self.victims)),
            "grant": self.chance.choice(self.grants or [matter]),
            "request_id": self.chance.choice(self.requests or [matter]),
            "token": self.chance.choice(self.tokens or ["0" * 12]),
            "call": self.chance.choice(self.calls or [matter]),
            "organisation": self.chance.choice(list(self.pack.organisations)),
        }
        for name, value in real.items():
            if name in case.path_parameters and self._likely():
                case.path_parameters[name] = value

    def real(self, body: dict[str, Any], order: str) -> dict[str, Any]:
        """A body with likely values under the names the doors know."""
        choices = self._choices(order)
        found: dict[str, Any] = {}
        for name, value in body.items():
            if name in choices and value is not None and self._likely():
                found[name] = choices[name]()
            elif isinstance(value, dict):
                found[name] = self.real(value, order)
            elif isinstance(value, list):
                found[name] = [
                    self.real(one, order) if isinstance(one, dict) else one for one in value
                ]
            else:
                found[name] = value
        if "orders" in found:  # an order of its own each
            for one in found["orders"]:
                one["order"] = self.seeds.fresh()
        return found

    def _choices(self, order: str) -> dict[str, Callable[[], Any]]:
        pack, pick, now = self.pack, self.chance.choice, self.seeds.now
        officers = [one.id for one in pack.people.values() if one.unit in self.seeds.units]

        def secret() -> str:
            return SECRETS[2] + pick(("", " 🚨", "\u202eabc", "'; DROP TABLE entry; --", "<b>"))

        def ago(least: int, most: int) -> Callable[[], str]:
            return lambda: shown(now - timedelta(seconds=self.chance.randint(least, most)))

        return {
            "id": self.seeds.fresh,
            "category": lambda: pick(list(pack.categories)),
            "final_category": lambda: pick(list(pack.categories)),
            "channel": lambda: pick(list(pack.channels)),
            "organisation": lambda: pick(list(pack.organisations)),
            "unit": lambda: pick(self.seeds.units),
            "officer_unit": lambda: pick(self.seeds.units),
            "officer_order": self.seeds.fresh,
            "status": lambda: pick(list(pack.statuses)),
            "crew": lambda: [pick(officers)],
            "on_behalf_of": lambda: pick([None, None, pick(officers)]),
            "hold": lambda: pick([HELD, self.seeds.fresh()]),
            "proposal": lambda: self.proposal,
            "basis": lambda: "invented law",
            "into": self.a_matter,
            "main": self.a_matter,
            "matter": self.a_matter,
            "sent_at": lambda: shown(now),
            "order": lambda: order,
            "lon": lambda: round(self.chance.uniform(121.8, 122.9), 6),
            "lat": lambda: round(self.chance.uniform(29.6, 30.8), 6),
            "reported_at": ago(100, 200),
            "answered_at": ago(50, 99),
            "call_ended_at": ago(0, 49),
            "at": ago(-10, 30),
            "until": ago(-90_000, -60),
            "now": ago(-30, 5),
            "expires_at": ago(-300 * 86_400, -86_400),
            "networks": lambda: pick([[], ["192.0.2.0/24"], ["2001:db8::/32", "198.51.100.7"]]),
            "role": lambda: pick(list(ROLES)),
            "username": lambda: f"f{self.seeds.fresh()[:20]}",
            "password": lambda: PASSWORD,
            "old": lambda: PASSWORD,
            "new": lambda: PASSWORD,
            "caller_name": lambda: SECRETS[0] + pick(("", "二")),
            "caller_phone": lambda: SECRETS[1],
            "label": secret,
            "narrative": secret,
            "note": secret,
            "opinion": secret,
            "text": secret,
            "reason": lambda: "示例理由",
        }
