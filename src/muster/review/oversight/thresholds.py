"""Where looking becomes worth a question. In one place, so that they can be discussed."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are of different matters. Nothing here blocks anybody: a dispatcher at three in the
    morning is never stopped by a number."""

    #: openings of what is nobody's work of theirs, a person a day
    opened_without_work: int = 15
    #: openings by an officer who is not on duty, a day
    off_shift: int = 3
    #: openings an hour that are always worth a question
    hourly_cap: int = 60
    #: a spike has at least so many openings in an hour …
    spike_least: int = 20
    #: … and so many times the own busiest other hour, and that of the role's others
    spike_times: int = 3
    #: a celebrity was looked at by at least so many people without work at hand …
    celebrity_least: int = 8
    #: … and so many times as many as usual
    celebrity_times: int = 4
    #: refusals one after another, within a time
    denials: int = 5
    denials_within: timedelta = timedelta(minutes=10)


USUAL = Thresholds()
