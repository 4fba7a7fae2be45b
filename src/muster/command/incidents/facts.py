"""What happens to an incident (警情). Codes of the ministry-style schema in brackets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from muster.journal.entry import Fact, Private


class IncidentReported(Fact, frozen=True, kw_only=True):
    """A call was taken (接警单). `reported_at` [BJSJ]: the queue gave the call to a desk;
    `answered_at` [JJSJ]; `call_ended_at` [JJWCSJ]. `complete`: the call-taker has all that is
    needed and it waits to be dispatched until `wait_by`."""

    kind: ClassVar[str] = "incident.reported"
    lookups: ClassVar[Mapping[str, str]] = {"caller_phone": "phone"}
    number: str
    organisation: str
    jurisdiction: str
    jurisdiction_sure: bool = True
    channel: str
    category: str
    level: int
    reported_at: datetime
    answered_at: datetime
    call_ended_at: datetime | None = None
    caller_name: Private | None = None
    caller_phone: Private | None = None
    narrative: Private
    place: Private
    cell: str
    complete: bool = True
    wait_by: datetime
    officer_initiated: bool = False


class IncidentCompleted(Fact, frozen=True, kw_only=True):
    """The call ended; the form is complete."""

    kind: ClassVar[str] = "incident.completed"
    call_ended_at: datetime
    wait_by: datetime


class IncidentRemarked(Fact, frozen=True, kw_only=True):
    """Somebody added what became known."""

    kind: ClassVar[str] = "incident.remarked"
    text: Private


class IncidentPlaceCorrected(Fact, frozen=True, kw_only=True):
    """The place was wrong; this is the right one. The earlier fact stays."""

    kind: ClassVar[str] = "incident.place_corrected"
    place: Private
    cell: str
    jurisdiction: str
    jurisdiction_sure: bool = True
    reason: Private


class IncidentTimeCorrected(Fact, frozen=True, kw_only=True):
    """A time was wrong. `field` is reported_at, answered_at or call_ended_at."""

    kind: ClassVar[str] = "incident.time_corrected"
    field: str
    at: datetime
    was: datetime | None = None
    reason: Private


class IncidentCategorised(Fact, frozen=True, kw_only=True):
    """The category was changed; `final` once the officers know what it was [反馈]."""

    kind: ClassVar[str] = "incident.categorised"
    category: str
    final: bool
    reason: Private | None = None


class IncidentLevelChanged(Fact, frozen=True, kw_only=True):
    """Raised (升级) or lowered (降级)."""

    kind: ClassVar[str] = "incident.level_changed"
    level: int
    was: int
    reason: Private


class IncidentTransferred(Fact, frozen=True, kw_only=True):
    """Offered to another organisation (转办), which accepts by `accept_by`."""

    kind: ClassVar[str] = "incident.transferred"
    organisation: str
    reason: Private
    accept_by: datetime


class IncidentTransferAccepted(Fact, frozen=True, kw_only=True):
    """The other organisation took it over."""

    kind: ClassVar[str] = "incident.transfer_accepted"
    organisation: str


class IncidentOrganisationAsked(Fact, frozen=True, kw_only=True):
    """Another organisation was asked in and sees this matter from now on."""

    kind: ClassVar[str] = "incident.organisation_asked"
    organisation: str
    reason: Private


class IncidentUrged(Fact, frozen=True, kw_only=True):
    """Somebody asked where it stands (催办)."""

    kind: ClassVar[str] = "incident.urged"
    text: Private


class IncidentCancelRequested(Fact, frozen=True, kw_only=True):
    """One person holds it to be invalid (无效) or wants it cancelled (撤销); a second decides."""

    kind: ClassVar[str] = "incident.cancel_requested"
    reason: Private
    why: str
    confirm_by: datetime


class IncidentCancelled(Fact, frozen=True, kw_only=True):
    """The second person agreed."""

    kind: ClassVar[str] = "incident.cancelled"
    why: str


class IncidentCancelDeclined(Fact, frozen=True, kw_only=True):
    """The second person did not agree."""

    kind: ClassVar[str] = "incident.cancel_declined"
    reason: Private


class IncidentMerged(Fact, frozen=True, kw_only=True):
    """This is the same matter as `into` (合并): the duplicate keeps its journal."""

    kind: ClassVar[str] = "incident.merged"
    into: str
    reason: Private


class IncidentAbsorbed(Fact, frozen=True, kw_only=True):
    """A duplicate was joined to this one."""

    kind: ClassVar[str] = "incident.absorbed"
    duplicate: str
    number: str


class IncidentUnmerged(Fact, frozen=True, kw_only=True):
    """It was another matter after all."""

    kind: ClassVar[str] = "incident.unmerged"
    reason: Private
    wait_by: datetime


class IncidentReleased(Fact, frozen=True, kw_only=True):
    """A matter held to be a duplicate was taken out again."""

    kind: ClassVar[str] = "incident.released"
    duplicate: str


class IncidentFedBack(Fact, frozen=True, kw_only=True):
    """What the officers found and did (反馈单)."""

    kind: ClassVar[str] = "incident.fed_back"
    result: str
    final: bool
    category: str = ""
    narrative: Private
    injured: int = 0
    dead: int = 0
    rescued: int = 0
    people: int = 0
    vehicles: int = 0
    boats: int = 0
    review_by: datetime


class IncidentFeedbackReturned(Fact, frozen=True, kw_only=True):
    """The review sent it back (审核退回)."""

    kind: ClassVar[str] = "incident.feedback_returned"
    reason: Private
    final_feedback_by: datetime


class IncidentClosed(Fact, frozen=True, kw_only=True):
    """办结."""

    kind: ClassVar[str] = "incident.closed"
    call_back_by: datetime


class IncidentCalledBack(Fact, frozen=True, kw_only=True):
    """The caller was asked (回访): 1 满意, 2 基本满意, 3 不满意."""

    kind: ClassVar[str] = "incident.called_back"
    rating: int
    note: Private | None = None


class IncidentArchived(Fact, frozen=True, kw_only=True):
    """归档."""

    kind: ClassVar[str] = "incident.archived"


class IncidentClockMissed(Fact, frozen=True, kw_only=True):
    """A hand-off was not done in time."""

    kind: ClassVar[str] = "incident.clock_missed"
    name: str
    due: datetime


class IncidentEscalated(Fact, frozen=True, kw_only=True):
    """The duty chief was told. `why` is unsigned, no_unit or the name of a missed clock."""

    kind: ClassVar[str] = "incident.escalated"
    why: str
    to_role: str = "duty_chief"
    order: str = ""


class IncidentErased(Fact, frozen=True, kw_only=True):
    """Every word about people in this matter was erased by law or order."""

    kind: ClassVar[str] = "incident.erased"
    basis: str


FACTS: tuple[type[Fact], ...] = (
    IncidentReported,
    IncidentCompleted,
    IncidentRemarked,
    IncidentPlaceCorrected,
    IncidentTimeCorrected,
    IncidentCategorised,
    IncidentLevelChanged,
    IncidentTransferred,
    IncidentTransferAccepted,
    IncidentOrganisationAsked,
    IncidentUrged,
    IncidentCancelRequested,
    IncidentCancelled,
    IncidentCancelDeclined,
    IncidentMerged,
    IncidentAbsorbed,
    IncidentUnmerged,
    IncidentReleased,
    IncidentFedBack,
    IncidentFeedbackReturned,
    IncidentClosed,
    IncidentCalledBack,
    IncidentArchived,
    IncidentClockMissed,
    IncidentEscalated,
    IncidentErased,
)
