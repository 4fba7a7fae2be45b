"""The roles, the incident states and the commands, as the code defines them."""

from __future__ import annotations

from muster.command.incidents.state import STATES
from muster.identity.roles import ROLES


def roles() -> list[str]:
    return list(ROLES)


def states() -> list[str]:
    return list(STATES)


def commands() -> set[str]:
    raise NotImplementedError
