"""Times as a recorded file writes them: dates and times of day, with or without each other.

A file repeats its days and its times of day, so both are kept once read; only a day on which the
clocks change is worked out anew for each of its rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from muster.simulate.dirt import Rejected

DAY_S: Final = 86_400
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_KEPT: Final = 200_000
_DIRECTIVE: Final = re.compile(r"%(.)")
_OF_DAY: Final = frozenset("HIMSpf%")
_OF_DATE: Final = frozenset("aAdbBmyYjUWu%")


class TimeOfDay:
    """Reads times without a date. Seconds since midnight; Rejected when it is no such time.

    known: what was read already."""

    def __init__(self, form: str) -> None:
        self._form, self._plain = form, form == "%H:%M:%S"
        self.known: dict[str, float] = {}

    def read(self, text: str) -> float:
        found = self.known.get(text)
        if found is None:
            found = self._parsed(text)
            if len(self.known) < _KEPT:
                self.known[text] = found
        return found

    def _parsed(self, text: str) -> float:
        if self._plain and len(text) == 8 and text[2] == text[5] == ":" and text.isascii():
            hour, minute, second = text[:2], text[3:5], text[6:]
            if hour.isdigit() and minute.isdigit() and second.isdigit():
                whole = int(hour) * 3600 + int(minute) * 60 + int(second)
                if hour < "24" and minute < "60" and second < "60":
                    return float(whole)
        try:
            read = datetime.strptime(text, self._form)  # noqa: DTZ007
        except (ValueError, OverflowError) as error:
            raise Rejected("time.invalid") from error
        midnight = read.replace(hour=0, minute=0, second=0, microsecond=0)
        return (read - midnight).total_seconds()


class Dates:
    """Reads dates in one of several forms. A moment in the zone, and whether its day is plain."""

    def __init__(self, forms: Sequence[str], zone: ZoneInfo) -> None:
        self._forms, self._zone = forms, zone
        self._known: dict[str, tuple[datetime, bool]] = {}

    def midnight(self, text: str) -> tuple[datetime, bool]:
        """The day's local midnight; as UTC when the clocks stand still all day, else naive."""
        found = self._known.get(text)
        if found is None:
            naive = _parsed(text, self._forms).replace(hour=0, minute=0, second=0, microsecond=0)
            found = self._known[text] = self._placed(naive)
            if len(self._known) > _KEPT:
                self._known.clear()
        return found

    def _placed(self, naive: datetime) -> tuple[datetime, bool]:
        try:
            offset = naive.replace(tzinfo=self._zone).utcoffset()
            after = (naive + timedelta(days=1)).replace(tzinfo=self._zone).utcoffset()
            if offset is None or offset != after:
                return naive, False
            moment = naive.replace(tzinfo=UTC) - offset
        except (OverflowError, ValueError) as error:
            raise Rejected("time.impossible") from error
        return believable(moment), True


class Moments:
    """Reads local times with their date, in one of several forms, as moments in UTC."""

    def __init__(self, forms: Sequence[str], zone: ZoneInfo) -> None:
        self._forms, self._zone = forms, zone
        self._split: tuple[Dates, TimeOfDay] | None = None
        if len(forms) == 1 and (parts := _parts(forms[0])) is not None:
            self._split = Dates(parts[:1], zone), TimeOfDay(parts[1])

    def read(self, text: str) -> datetime:
        """Raises Rejected: not in any form, not a time of this zone, or absurd."""
        if self._split is not None:
            day, _, clock = text.partition(" ")
            try:
                return in_zone(self._split[0].midnight(day), self._split[1].read(clock), self._zone)
            except Rejected as error:
                if str(error) != "time.invalid":
                    raise
        naive = _parsed(text, self._forms)
        if naive.tzinfo is not None:
            try:
                return believable(naive.astimezone(UTC))
            except (OverflowError, ValueError) as error:
                raise Rejected("time.impossible") from error
        return exactly(naive, self._zone)


def in_zone(midnight: tuple[datetime, bool], seconds: float, zone: ZoneInfo) -> datetime:
    """The moment `seconds` of local clock time after a midnight of `Dates`."""
    day, plain = midnight
    moment = day + timedelta(seconds=seconds)
    return moment if plain else exactly(moment, zone)


def exactly(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time as UTC. Rejected in the hour that summer time skips."""
    try:
        moment = naive.replace(tzinfo=zone).astimezone(UTC)
        back = moment.astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError) as error:
        raise Rejected("time.impossible") from error
    if back != naive:
        raise Rejected("time.impossible")
    return believable(moment)


def believable(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise Rejected("time.impossible")
    return moment


def has_date(form: str) -> bool:
    """Whether the form says the day, too."""
    return not set(_DIRECTIVE.findall(form)) <= _OF_DAY


def _parts(form: str) -> tuple[str, str] | None:
    """Date and time of day, when a blank stands between the two."""
    date, blank, clock = form.partition(" ")
    if not blank or not clock or clock != clock.strip():
        return None
    of_date, of_day = set(_DIRECTIVE.findall(date)), set(_DIRECTIVE.findall(clock))
    return (date, clock) if of_date <= _OF_DATE and of_day and of_day <= _OF_DAY else None


def _parsed(text: str, forms: Sequence[str]) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007
        except (ValueError, OverflowError):
            continue
    raise Rejected("time.invalid")
