"""What happens to the words of a matter after it is over: held, reviewed, sealed, erased."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import msgspec

from muster.journal.entry import Fact, Private


class Grounded(Fact, frozen=True, kw_only=True):
    """A base of facts that rest on a law or order. `basis` names it in the clear, without words
    about people; `because` says why here, and is private."""

    kind: ClassVar[str] = ""
    basis: str
    because: Private


class HoldPlaced(Grounded, frozen=True, kw_only=True):
    """法律冻结: nothing of this matter may go until the hold is lifted or `until` has passed."""

    kind: ClassVar[str] = "retention.hold_placed"
    hold: str
    until: datetime | None = None


class HoldLifted(Fact, frozen=True, kw_only=True):
    """Somebody else than who placed it ended the hold."""

    kind: ClassVar[str] = "retention.hold_lifted"
    hold: str
    because: Private


class HoldLapsed(Fact, frozen=True, kw_only=True):
    """A hold with an end came to it."""

    kind: ClassVar[str] = "retention.hold_lapsed"
    hold: str


class ReviewAsked(Fact, frozen=True, kw_only=True):
    """A class has been kept as long as the city says: somebody must look. A machine proposes, no
    more. `schedule`: the version of the city's table."""

    kind: ClassVar[str] = "retention.review_asked"
    classes: tuple[str, ...]
    due: datetime
    schedule: str


class Reviewed(Fact, frozen=True, kw_only=True):
    """A person decided: `keep` until a later day, or `erase`, proposed by somebody else."""

    kind: ClassVar[str] = "retention.reviewed"
    decision: str
    classes: tuple[str, ...]
    until: datetime | None = None
    because: Private | None = None
    proposed_by: str = ""


class ErasureProposed(Grounded, frozen=True, kw_only=True):
    """One person wants classes erased; a second decides."""

    kind: ClassVar[str] = "retention.erasure_proposed"
    classes: tuple[str, ...]


class ErasureDeclined(Fact, frozen=True, kw_only=True):
    """The second person did not agree."""

    kind: ClassVar[str] = "retention.erasure_declined"
    because: Private


class ErasedItem(msgspec.Struct, frozen=True):
    """One vault item that went: its class, and SHA-256 (hex) of its ciphertext."""

    item: str
    of: str
    sha256: str


class Erased(Fact, frozen=True, kw_only=True):
    """擦除: these items went. `whole`: with them the matter's key, its salt and every other word.
    `approved_by` is empty where the city's table asks for no review."""

    kind: ClassVar[str] = "retention.erased"

    @property
    def renews_key(self) -> bool:
        return not self.whole

    classes: tuple[str, ...]
    whole: bool
    items: tuple[ErasedItem, ...]
    basis: str
    requested_by: str
    approved_by: str = ""
    schedule: str


class Sealed(Grounded, frozen=True, kw_only=True):
    """封存: hidden from everybody who has no right to sealed records."""

    kind: ClassVar[str] = "retention.sealed"
    purges_lookups: ClassVar[bool] = True


class UnsealingAsked(Grounded, frozen=True, kw_only=True):
    """Somebody needs a sealed record for some hours, or (None) wants the sealing ended."""

    kind: ClassVar[str] = "retention.unsealing_asked"
    hours: int | None = None


class Unsealed(Fact, frozen=True, kw_only=True):
    """A second person agreed. `until` None: the sealing has ended."""

    kind: ClassVar[str] = "retention.unsealed"
    lookups: ClassVar[Mapping[str, str]] = {"caller_phone": "phone"}
    asked_by: str
    until: datetime | None = None
    caller_phone: Private | None = None


class UnsealingEnded(Fact, frozen=True, kw_only=True):
    """The hours are over: sealed again."""

    kind: ClassVar[str] = "retention.unsealing_ended"
    purges_lookups: ClassVar[bool] = True


class Restricted(Grounded, frozen=True, kw_only=True):
    """限制处理: the person concerned contests it; it is kept and not used until decided."""

    kind: ClassVar[str] = "retention.restricted"
    purges_lookups: ClassVar[bool] = True


class RestrictionLifted(Fact, frozen=True, kw_only=True):
    """Decided: it may be used again."""

    kind: ClassVar[str] = "retention.restriction_lifted"
    lookups: ClassVar[Mapping[str, str]] = {"caller_phone": "phone"}
    because: Private
    caller_phone: Private | None = None


class CallerCorrected(Grounded, frozen=True, kw_only=True):
    """更正: the caller's name and phone as they are right, both; `fields`: which changed. The words
    of before went from the vault (`items`). `unlisted_phone` in the place of `caller_phone` while
    the matter is restricted: it is not found by its phone."""

    kind: ClassVar[str] = "retention.caller_corrected"
    lookups: ClassVar[Mapping[str, str]] = {"caller_phone": "phone"}
    purges_lookups: ClassVar[bool] = True

    @property
    def renews_key(self) -> bool:
        return bool(self.items)

    fields: tuple[str, ...]
    items: tuple[ErasedItem, ...]
    caller_name: Private | None = None
    caller_phone: Private | None = None
    unlisted_phone: Private | None = None


class TrackKept(Grounded, frozen=True, kw_only=True):
    """A unit's positions during its order here, copied with the minute segments that prove them:
    they stay with the matter when the positions go. `track` is private: `telemetry/tracks.py`."""

    kind: ClassVar[str] = "retention.track_kept"
    order: str
    unit: str
    since: datetime
    until: datetime
    positions: int
    segments: int
    track: Private


FACTS: tuple[type[Fact], ...] = (
    HoldPlaced,
    HoldLifted,
    HoldLapsed,
    ReviewAsked,
    Reviewed,
    ErasureProposed,
    ErasureDeclined,
    Erased,
    Sealed,
    UnsealingAsked,
    Unsealed,
    UnsealingEnded,
    Restricted,
    RestrictionLifted,
    CallerCorrected,
    TrackKept,
)
