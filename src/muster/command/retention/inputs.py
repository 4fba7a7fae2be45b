"""What people send about the keeping of a matter."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from muster.command.incidents.inputs import Basis, Because_, Matter

OfMatters = Literal["caller", "narrative", "place", "recordings"]
Classes = Annotated[tuple[OfMatters, ...], Meta(min_length=1, max_length=4)]
Hours = Annotated[int, Meta(ge=1, le=72)]


class PlaceHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hold`: a new id. `basis`: the law or order, without words about people."""

    hold: Matter
    basis: Basis
    reason: Because_
    until: datetime | None = None


class LiftHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hold: Matter
    reason: Because_


class KeepLonger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After looking: these classes stay until a later day."""

    classes: Classes
    until: datetime
    reason: Because_


class ProposeErasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`basis`: the law or order, without words about people. Every class that is left: whole."""

    classes: Classes
    basis: Basis
    reason: Because_


class ApproveErasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`proposal`: the number of the entry that was read and is agreed to."""

    proposal: Annotated[int, Meta(ge=1, le=10_000_000)]


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    basis: Basis
    reason: Because_


class CorrectCaller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is right; a field that is left out stays as it is, an empty one is not known."""

    basis: Basis
    reason: Because_
    caller_name: Annotated[str, Meta(max_length=100)] | None = None
    caller_phone: Annotated[str, Meta(max_length=32, pattern=r"^[0-9+() -]*\Z")] | None = None


class KeepTrack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The track of the unit of an order of this matter, in whole minutes within that order."""

    order: Matter
    since: datetime
    until: datetime
    basis: Basis
    reason: Because_


class AskUnsealing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hours` empty: the sealing itself should end."""

    basis: Basis
    reason: Because_
    hours: Hours | None = None
