"""What a decision is given, and what it may answer. Pure: no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from muster.journal.entry import Authority, Fact

R_co = TypeVar("R_co", covariant=True)


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a person (or `system:…`) and, for people, the session they ask in."""

    person: str
    session: str = ""


@dataclass(frozen=True)
class Context(Generic[R_co]):
    """All a decision may know besides the state and the input."""

    matter: str
    now: datetime
    actor: Actor
    authority: Authority
    read: R_co
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """A fact for another matter, or one that happened at another time than now."""

    fact: Fact
    matter: str = ""
    happened_at: datetime | None = None


Decided = Sequence[Fact | Planned]


class Due(msgspec.Struct, frozen=True):
    """The input of every operation the ticker performs."""

    name: str
    due: datetime
