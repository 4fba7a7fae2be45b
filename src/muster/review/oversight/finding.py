"""One thing an auditor should look at: the rule, the rows it rests on, and why. Never a number
about a person, and never added up over rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from muster.identity.looks.look import AT_HAND, LookRow

#: Openings: what somebody looked at in a matter.
OPENINGS: Final = ("matter.opened", "caller.unmasked", "lookup.phone")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`person` or `matter` is empty where the rule is about the other. `values`: the numbers the
    rule compared."""

    rule: str
    person: str = ""
    matter: str = ""
    first: datetime
    last: datetime
    rows: tuple[int, ...]
    values: dict[str, int]
    why_zh: str
    why_en: str


#: rule -> why, in Chinese and English. {names} are the values.
WHY: Final[Mapping[str, tuple[str, str]]] = {
    "own_name": (
        "查阅了报警人与本人同名的警情（{openings} 次）",
        "looked at a matter whose caller bears the own name ({openings}×)",
    ),
    "colleague": (
        "无在办事由，查阅了报警人与平台人员同名的警情（{openings} 次）",
        "looked, without work at hand, at matters whose caller bears a colleague's name "
        "({openings}×)",
    ),
    "unmasked_without_work": (
        "无在办事由，显示了 {openings} 次个人信息",
        "lifted the mask without work at hand ({openings}×)",
    ),
    "opened_without_work": (
        "一天内打开 {openings} 件与己无关的警情（提示线 {limit}）",
        "opened {openings} matters in a day that were nobody's work of theirs (limit {limit})",
    ),
    "off_shift": (
        "不在岗时一天内打开 {openings} 件警情（提示线 {limit}）",
        "opened {openings} matters in a day while off duty (limit {limit})",
    ),
    "spike": (
        "一小时内打开 {openings} 件警情；本人平时最多 {usual}，同角色 {role_usual}",
        "opened {openings} matters in an hour; usually at most {usual}, others of the role "
        "{role_usual}",
    ),
    "hourly_cap": (
        "一小时内打开 {openings} 件警情（提示线 {limit}，不阻断）",
        "opened {openings} matters in an hour (limit {limit}; it never blocks)",
    ),
    "celebrity": (
        "{people} 人无在办事由看过同一件警情（通常 {usual} 人）",
        "{people} people looked at one matter without work at hand (usually {usual})",
    ),
    "denials": (
        "连续 {denials} 次被拒，涉及 {targets} 个对象",
        "refused {denials} times in a row, over {targets} things",
    ),
}


def finding(
    rule: str, rows: Sequence[LookRow], *, person: str = "", matter: str = "", **values: int
) -> Finding:
    """A finding of a rule over at least one row."""
    zh, en = WHY[rule]
    return Finding(
        rule=rule,
        person=person,
        matter=matter,
        first=min(row.at for row in rows),
        last=max(row.at for row in rows),
        rows=tuple(sorted(row.number for row in rows)),
        values=values,
        why_zh=zh.format(**values),
        why_en=en.format(**values),
    )


def openings(rows: Iterable[LookRow]) -> list[LookRow]:
    """Looks that showed something of a matter."""
    return [row for row in rows if row.what in OPENINGS and row.outcome in ("shown", "masked")]


def at_hand(row: LookRow) -> bool:
    return row.justification in AT_HAND


def matters(rows: Iterable[LookRow]) -> int:
    """How many different matters."""
    return len({row.matter for row in rows})
