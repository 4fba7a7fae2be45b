"""The roles people are granted, at an organisation and for everything under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Role(msgspec.Struct, frozen=True):
    """A role. `machine` roles exist in simulated data folders only."""

    code: str
    name_zh: str
    name_en: str
    machine: bool = False


ROLES: Final[Mapping[str, Role]] = {
    role.code: role
    for role in (
        Role("call_taker", "接警员", "call taker"),
        Role("dispatcher", "派警员", "dispatcher"),
        Role("duty_chief", "值班长", "duty chief"),
        Role("station_room", "所综合指挥室", "station command room"),
        Role("officer", "民警", "officer"),
        Role("analyst", "研判员", "analyst"),
        Role("partner", "联动单位联络员", "partner liaison"),
        Role("volunteer", "志愿者", "volunteer"),
        Role("auditor", "督察", "auditor"),
        Role("administrator", "管理员", "administrator"),
        Role("simulator", "仿真器", "simulator", machine=True),
    )
}

CLOCK: Final = "system:clock"
REACTION: Final = "system:reaction"
#: The system's own actors. They hold no grants and can do what the table gives them, no more.
SYSTEM: Final = (CLOCK, REACTION)

#: Roles of those who are asked in: they never see more than the matter they were asked into.
ASKED_IN: Final = frozenset({"partner", "volunteer"})

#: How a token stands as an actor: this and its id. No person's id has a colon.
TOKEN_ACTOR: Final = "token:"
#: What machines may be given, each a word on a token: rows of the table of authority, and the cell.
#: `metrics` opens one door and no row.
TOKEN_SCOPES: Final[Mapping[str, Mapping[str, str]]] = {
    "positions:report": {"position.report": "O"},
    "alarms:report": {"unit.call_for_help": "O"},
    "telephone:notify": {"telephone.notify": "O"},
    "read:units": {"read.units": "O"},
    "read:positions": {"read.positions": "O"},
    "read:summary": {"read.summary": "P"},
    "read:incidents": {"read.incident": "P"},
    "metrics": {},
}
