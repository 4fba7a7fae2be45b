"""The roles, the incident states and the commands, as the code defines them."""

from __future__ import annotations

from muster.cli.main import muster
from muster.command.incidents.state import STATES
from muster.identity.roles import ROLES


def roles() -> list[str]:
    return list(ROLES)


def states() -> list[str]:
    return list(STATES)


def commands() -> set[str]:
    return set(muster.commands)
