"""What is known of a call from the notices of its exchange, in whatever order they come. Pure.

Of each kind the notice with the lowest number counts, of extensions the one said last; so the same
notices give the same call in any order, told once or ten times.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

Kind = Literal["ringing", "answered", "transferred", "ended", "abandoned"]
CallState = Literal["ringing", "answered", "ended", "abandoned"]

#: A call that rang, and nothing more was heard of it: as one that was abandoned.
LOST: Final = timedelta(minutes=5)
#: An answered call whose end was never told is not shown for ever.
LONGEST: Final = timedelta(hours=4)
#: In which who hung up is to be called back. Ours; no norm is known to us.
CALL_BACK: Final = timedelta(minutes=5)


class Step(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The exchange's number of a notice, and when it happened, on the exchange's clock."""

    sequence: int
    at: datetime


class Notice(msgspec.Struct, frozen=True):
    """One notice. `at` on the exchange's clock; `offset`: what to add for ours, as seen when this
    notice came, its time on the way included; None where the exchange did not say."""

    kind: Kind
    sequence: int
    at: datetime
    number: str = ""
    extension: str = ""
    offset: timedelta | None = None


class Telling(msgspec.Struct, frozen=True):
    """Everything said of one call so far. `steps`: by kind; `placed`: the notice that said the
    extension; `numbered`: the one that said the number."""

    steps: dict[str, Step] = {}
    extension: str = ""
    number: str = ""
    placed: int = -1
    numbered: int = -1
    offset: timedelta | None = None

    @property
    def state(self) -> CallState:
        if "abandoned" in self.steps and "answered" not in self.steps:
            return "abandoned"
        if "ended" in self.steps or "abandoned" in self.steps:
            return "ended"
        return "answered" if "answered" in self.steps else "ringing"

    def at(self, *kinds: str) -> datetime | None:
        """The first moment of these kinds, on our clock. All moments of a call are moved alike, by
        the offset of the notice that was fastest on its way: what lies between them is what the
        exchange measured."""
        found = [self.steps[kind].at for kind in kinds if kind in self.steps]
        return min(found) + (self.offset or timedelta(0)) if found else None


def heard(telling: Telling, notice: Notice) -> Telling:
    """With one notice more."""
    step = Step(notice.sequence, notice.at)
    known = telling.steps.get(notice.kind)
    if known is None or step < known:
        telling = replace(telling, steps={**telling.steps, notice.kind: step})
    if notice.offset is not None and (telling.offset is None or notice.offset < telling.offset):
        telling = replace(telling, offset=notice.offset)
    said = notice.sequence, notice.extension
    if notice.extension and said > (telling.placed, telling.extension):
        telling = replace(telling, extension=notice.extension, placed=notice.sequence)
    first = telling.numbered, telling.number
    if notice.number and (not telling.number or (notice.sequence, notice.number) < first):
        telling = replace(telling, number=notice.number, numbered=notice.sequence)
    return telling


class Waited(msgspec.Struct, frozen=True):
    """How long callers waited: of `answered` calls with both moments known, how many within 15 and
    within 20 seconds; and how many hung up before."""

    answered: int
    within_15: int
    within_20: int
    abandoned: int


def waited(seconds: Iterable[float], abandoned: int) -> Waited:
    """From ringing to answer, in seconds, of each answered call."""
    spans = list(seconds)
    return Waited(
        answered=len(spans),
        within_15=sum(one <= 15 for one in spans),
        within_20=sum(one <= 20 for one in spans),
        abandoned=abandoned,
    )
