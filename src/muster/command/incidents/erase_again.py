"""Erasures that a restored journal does not know of are said in it."""

from __future__ import annotations

from typing import Any

from muster.command.incidents.inputs import Erase
from muster.journal.context import Actor
from muster.journal.erasures import unsaid
from muster.journal.perform import Asked, Journal, Operation, derived_command


def erase_again(journal: Journal, operation: Operation[Any, Any, Any]) -> int:
    """Their words are gone already (journal.erasures.reapply); returns how many were said."""
    with journal.pool.connection() as connection:
        missing = unsaid(connection)
    for one in missing:
        asked = Asked(
            operation=operation,
            actor=Actor("system:reaction"),
            matter=one.matter,
            input=Erase(one.reason[:200] or "-"),
            command=derived_command("erased", one.matter),
        )
        journal.perform(asked)
    return len(missing)
