"""One incident brought into each state there is, by the operations people use."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from muster.command.incidents import inputs

from .town import Town, feedback, sent, take

ORDER = str(uuid.UUID(int=0xA1))
OTHER = str(uuid.UUID(int=0xB2))
MAIN = str(uuid.UUID(int=0xC3))

#: steps that bring a given order so far
_SO_FAR = {
    "dispatched": (),
    "signed": ("deliver", "sign"),
    "under_way": ("deliver", "sign", "set_out"),
    "on_scene": ("deliver", "sign", "set_out", "arrive"),
    "handling": ("deliver", "sign", "set_out", "arrive", "handle"),
    "left": ("deliver", "sign", "set_out", "arrive", "handle", "finish"),
}


def _received(town: Town, matter: str) -> None:
    town.report(id=matter, complete=False, call_ended_at=None)


def _waiting(town: Town, matter: str) -> None:
    town.report(id=matter)


def _sent(name: str) -> Callable[[Town, str], None]:
    def play(town: Town, matter: str) -> None:
        _waiting(town, matter)
        town.do(matter, "incident.dispatch", sent(("n1", ORDER)))
        take(town, matter, ORDER, *_SO_FAR[name])

    return play


def _reported(town: Town, matter: str) -> None:
    _sent("left")(town, matter)
    town.do(matter, "incident.feed_back", feedback())


def _reported_bound(town: Town, matter: str) -> None:
    _sent("handling")(town, matter)
    town.do(matter, "incident.feed_back", feedback())


def _closed(town: Town, matter: str) -> None:
    _reported(town, matter)
    town.do(matter, "incident.close")


def _called_back(town: Town, matter: str) -> None:
    _closed(town, matter)
    town.do(matter, "incident.call_back", inputs.CallBack(1))


def _archived(town: Town, matter: str) -> None:
    _called_back(town, matter)
    town.do(matter, "incident.archive")


def _merged(town: Town, matter: str) -> None:
    town.report(id=MAIN)
    _waiting(town, matter)
    town.do(matter, "incident.merge", inputs.Merge(MAIN, "示例：同一件事"))


def _cancelled(town: Town, matter: str) -> None:
    _waiting(town, matter)
    town.do(matter, "incident.request_cancel", inputs.RequestCancel("invalid", "示例：误拨"))
    town.do(matter, "incident.confirm_cancel", person="chief", role="duty_chief")


def _erased(town: Town, matter: str) -> None:
    _closed(town, matter)
    town.erase(matter)


def _none(town: Town, matter: str) -> None:
    """There is no such matter."""


#: column of the table -> (state shown, how to get there)
STAGES: dict[str, tuple[str, Callable[[Town, str], None]]] = {
    "NO": ("", _none),
    "RE": ("received", _received),
    "WA": ("waiting", _waiting),
    "DI": ("dispatched", _sent("dispatched")),
    "SI": ("signed", _sent("signed")),
    "UW": ("under_way", _sent("under_way")),
    "OS": ("on_scene", _sent("on_scene")),
    "HA": ("handling", _sent("handling")),
    "LE": ("handling", _sent("left")),
    "RP": ("reported", _reported),
    "RB": ("reported", _reported_bound),
    "CL": ("closed", _closed),
    "CB": ("called_back", _called_back),
    "AR": ("archived", _archived),
    "ME": ("merged", _merged),
    "CA": ("cancelled", _cancelled),
    "ER": ("closed", _erased),
}


def at_stage(column: str) -> tuple[Town, str]:
    """A town with one incident in the stage of that column."""
    town = Town()
    matter = town.fresh()
    STAGES[column][1](town, matter)
    town.wait(5)
    if MAIN not in town.states:
        town.report(id=MAIN)
    return town, matter
