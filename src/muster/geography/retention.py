"""保存期限: how long each class of data is kept, as the city pack says. Pure.

`retention.toml` may be missing (a draft of a pack): then DEFAULT holds. Classes are those of
CODES, no others: what a class covers is code, how long it is kept is the city's.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

Days = Annotated[int, Meta(ge=0, le=36_500)]
Months = Annotated[int, Meta(ge=1, le=840)]
LevelCode = Annotated[int, Meta(ge=1, le=4)]
Word = Annotated[str, Meta(min_length=1)]

#: Classes of the words of a matter; they go only as their clocks, reviews and holds allow.
OF_MATTERS: Final = ("caller", "narrative", "place", "recordings", "decision")
#: Classes that go by themselves, and those that stay.
OF_TABLES: Final = ("positions", "sessions", "attempts", "telephone", "access_log", "audit")
CODES: Final = (*OF_MATTERS, *OF_TABLES)
#: Rows of these are chained or are the record itself: a pack cannot let them go.
STAY: Final = ("decision", "access_log", "audit")
#: Fewer days than these would break the part that keeps them.
LEAST_DAYS: Final[Mapping[str, int]] = {"positions": 2, "attempts": 1, "telephone": 1}


class Longer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[class.longer]]: another span for some levels or categories (all when empty)."""

    levels: tuple[LevelCode, ...] = ()
    categories: tuple[Word, ...] = ()
    months: Months | None = None
    permanent: bool = False

    def fits(self, level: int, category: str) -> bool:
        of_level = not self.levels or level in self.levels
        return of_level and (not self.categories or category.startswith(self.categories))


class RetentionClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[class]]: exactly one of days, months, permanent. `review`: a person decides."""

    code: Word
    name_zh: Word
    name_en: Word
    covers_zh: Word
    covers_en: Word
    basis_zh: Word
    basis_en: Word
    days: Days | None = None
    months: Months | None = None
    permanent: bool = False
    review: bool = False
    longer: tuple[Longer, ...] = ()

    def ends(self, start: datetime, level: int, category: str) -> datetime | None:
        """When data whose clock began at `start` is due; None for permanent."""
        fitting = [one for one in self.longer if one.fits(level, category)]
        if self.permanent or any(one.permanent for one in fitting):
            return None
        base = start + timedelta(days=self.days) if self.days is not None else start
        spans = [self.months or 0, *(one.months or 0 for one in fitting)]
        return max(base, months_after(start, max(spans)))

    def wrong(self) -> str:
        """Why it cannot be used; empty when it can."""
        given = [self.days is not None, self.months is not None, self.permanent]
        if sum(given) != 1:
            return "exactly one of days, months, permanent"
        if any((one.months is None) is not one.permanent for one in self.longer):
            return "longer: exactly one of months, permanent"
        if self.code in STAY and not self.permanent:
            return "permanent only"
        if self.code in OF_TABLES and (self.longer or self.review or self.months):
            return "days or permanent only, without review"
        if self.days is not None and self.days < LEAST_DAYS.get(self.code, 0):
            return f"at least {LEAST_DAYS[self.code]} days"
        return ""


class Schedule(msgspec.Struct, frozen=True):
    """All classes of a city by code. `version`: sha256 (hex) of the file, or "default"."""

    version: str
    classes: Mapping[str, RetentionClass]

    def days(self, code: str) -> int | None:
        """Days a class of OF_TABLES is kept; None when it stays."""
        return self.classes[code].days


def months_after(start: datetime, months: int) -> datetime:
    """The same day `months` later, or the last of that month; not beyond the year 2100."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    year, month = min(year, 2100), month + 1
    return start.replace(
        year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1])
    )


def _class(code: str, zh: str, en: str, **span: object) -> RetentionClass:
    fixed: dict[str, object] = {
        "code": code,
        "name_zh": zh,
        "name_en": en,
        "covers_zh": zh,
        "covers_en": en,
        "basis_zh": "默认值：本市尚未核定",
        "basis_en": "default: the city has not set it yet",
    }
    return msgspec.convert({**fixed, **span}, RetentionClass)


#: For a pack without retention.toml. Cautious: long, and always reviewed.
DEFAULT: Final = Schedule(
    "default",
    {
        one.code: one
        for one in (
            _class("caller", "报警人身份", "caller's identity", months=36, review=True),
            _class("narrative", "叙述与备注", "narrative and remarks", months=120, review=True),
            _class("place", "精确地点", "precise place", months=120, review=True),
            _class("recordings", "录音录像与文件", "recordings and files", months=120, review=True),
            _class("decision", "处理理由", "reasons of retention decisions", permanent=True),
            _class("positions", "位置", "positions", days=30),
            _class("sessions", "会话", "sessions", days=0),
            _class("attempts", "登录尝试", "sign-in attempts", days=1),
            _class("telephone", "话务", "telephone calls", days=2),
            _class("access_log", "查阅记录", "access log", permanent=True),
            _class("audit", "审计", "audit", permanent=True),
        )
    },
)
