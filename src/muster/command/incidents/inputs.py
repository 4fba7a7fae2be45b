"""What people send to change an incident. Lengths are in characters; times carry a zone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Matter = Annotated[
    str,
    Meta(min_length=36, max_length=36, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"),
]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Because_ = Annotated[str, Meta(min_length=1, max_length=500)]
#: The law or order, without words about people.
Basis = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=100_000)]
Level = Annotated[int, Meta(ge=1, le=4)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where: WGS-84 degrees, and how people call it."""

    lon: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    label: Annotated[str, Meta(max_length=200)] = ""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A call. `level` empty: the category's. `organisation` empty: by jurisdiction.
    `officer_unit` and `officer_order`: an officer's own discovery, already on scene."""

    id: Matter
    channel: Code
    category: Code
    level: Level | None = None
    reported_at: datetime
    answered_at: datetime
    call_ended_at: datetime | None = None
    caller_name: Annotated[str, Meta(max_length=100)] | None = None
    caller_phone: Annotated[str, Meta(max_length=32, pattern=r"^[0-9+() -]*\Z")] | None = None
    narrative: Annotated[str, Meta(max_length=4000)] = ""
    place: Place
    organisation: Code | None = None
    complete: bool = True
    officer_unit: Code | None = None
    officer_order: Matter | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No words needed."""


class Because(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Because_


class Complete(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call_ended_at: datetime


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Text


class CorrectPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    place: Place
    reason: Because_


class CorrectTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: Literal["reported_at", "answered_at", "call_ended_at"]
    at: datetime
    reason: Because_


class Categorise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: Code
    final: bool = False
    reason: Annotated[str, Meta(max_length=500)] | None = None


class ChangeLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: Level
    reason: Because_


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organisation: Code
    reason: Because_


class AskIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organisation: Code
    reason: Because_


class RequestCancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """无效 or 撤销."""

    kind: Literal["invalid", "cancelled"]
    reason: Because_


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    into: Matter
    reason: Because_


class Unmerge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`main`: the matter this one was joined to."""

    main: Matter
    reason: Because_


class FeedBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """反馈单. `result`: a short code such as handled, unfounded, mediated, handed_over."""

    result: Code
    final: bool
    final_category: Code | None = None
    narrative: Annotated[str, Meta(max_length=4000)] = ""
    injured: Count = 0
    dead: Count = 0
    rescued: Count = 0
    people: Count = 0
    vehicles: Count = 0
    boats: Count = 0


class CallBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rating: Annotated[int, Meta(ge=1, le=3)]
    note: Annotated[str, Meta(max_length=1000)] | None = None


class Erase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    basis: Basis


class OrderWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order: Matter
    unit: Code


class Dispatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """派警: one order a unit. Also reinforcing (增援) and sending again."""

    orders: Annotated[tuple[OrderWanted, ...], Meta(min_length=1, max_length=20)]
    opinion: Annotated[str, Meta(max_length=500)] | None = None


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order: Matter
    reason: Because_


class Reoffer(msgspec.Struct, frozen=True):
    """The reaction to a lapsed or returned order: offer it to `unit`, or say nobody is left."""

    lapsed: str
    why: str
    order: str
    unit: str | None
