"""The public report: counts only, none so small that it points at somebody. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import Final

import msgspec

#: Fewer than this are shown as "under 5": a single look can point at a single person.
SMALL: Final = 5
LOOK = tuple[str, str, str, str]


class Counts(msgspec.Struct, frozen=True):
    """Recounted from the logs. `entries`: by kind. `looks`: by (what, role, outcome,
    justification). `reviews`: of sampled looks, by outcome. `changes`: of registers, by table."""

    entries: dict[str, int]
    looks: dict[LOOK, int]
    reviews: dict[str, int]
    erasures: int
    changes: dict[str, int]
    clock_jumps: int


class Line(msgspec.Struct, frozen=True):
    """One figure. `count` None: between one and four."""

    zh: str
    en: str
    count: int | None


class Section(msgspec.Struct, frozen=True):
    zh: str
    en: str
    lines: tuple[Line, ...]


class Report(msgspec.Struct, frozen=True):
    """`since` and `until`: UTC, from and before. `said`: what no figure exists for, and why."""

    city: str
    since: datetime
    until: datetime
    sections: tuple[Section, ...]
    said: tuple[tuple[str, str], ...]


_ENTRIES: Final = (
    ("incident.reported", "接警", "incidents opened"),
    ("order.given", "派警", "orders given"),
    ("incident.closed", "办结", "incidents closed"),
    ("incident.called_back", "回访", "call-backs made"),
    ("incident.cancelled", "撤销（双人确认）", "cancelled, confirmed by a second person"),
    ("incident.clock_missed", "超时", "clocks missed"),
    ("incident.escalated", "报值班长", "escalated to the duty chief"),
    ("incident.erased", "个人信息擦除", "personal data erased"),
)
_WHATS: Final = {
    "matter.opened": ("打开警情", "matters opened"),
    "caller.unmasked": ("查看报警人信息（解除遮盖）", "callers unmasked by an explicit act"),
    "lookup.phone": ("按电话查找", "look-ups of a phone"),
    "people.read": ("查看人员与授权", "registers of people read"),
    "audit.read": ("查看审计", "audit read"),
    "access_log.read": ("查看查阅记录", "access log read"),
    "oversight.read": ("查看监督发现", "oversight findings read"),
    "retention.read": ("查看保存期限", "retention read"),
    "export": ("导出", "exports"),
    "backup": ("备份", "backups"),
}
_OUTCOMES: Final = {
    "shown": ("看到内容", "shown"),
    "masked": ("看到遮盖后的内容", "shown masked"),
    "empty": ("没有结果", "no result"),
    "denied": ("被拒绝", "denied"),
}
_REASONS: Final = {
    "order": ("出警任务", "an order the person crews"),
    "area_duty": ("本辖区在办警情", "an open matter of the own area"),
    "callback_due": ("回访到期", "a call-back that is due"),
    "review_sample": ("抽查", "the review sample"),
    "asked_in": ("协同请求", "asked in"),
    "reported_it": ("本人接警", "took the call"),
    "analysis": ("研判", "analysis"),
    "own_area": ("本辖区（已结）", "the own area, matter closed"),
    "role": ("职责权限", "the role's right"),
    "no_task": ("没有任务依据", "no task at hand"),
}
_REVIEWS: Final = {
    "proper": ("正当", "proper"),
    "to_ask": ("需询问", "to be asked about"),
    "improper": ("不当", "improper"),
}
SAID: Final = (
    (
        "预警准确率：平台尚无任何自动预警模型，因此没有数字。",
        "Precision of warnings: the platform runs no automatic warnings yet, so there is none.",
    ),
    (
        "投诉与申诉：平台尚不登记，须由监督机关另行公布。",
        "Complaints and appeals: not kept on the platform yet; the oversight body publishes them.",
    ),
)


def report(counts: Counts, *, city: str, since: datetime, until: datetime) -> Report:
    """The report of a span; every figure is a sum of `counts`."""
    looks = counts.looks
    sections = (
        Section("警情", "Matters", _lines(_ENTRIES, counts.entries)),
        Section("查阅", "Looks", _known(_WHATS, _sum(looks, lambda key: key[0]))),
        Section("查阅结果", "What became of them", _known(_OUTCOMES, _sum(looks, lambda k: k[2]))),
        Section(
            "打开警情的依据",
            "Why matters were opened (derived, not typed)",
            _known(_REASONS, _sum(_opened(looks), lambda key: key[3])),
        ),
        Section("抽查复核", "Looks reviewed by an auditor", _known(_REVIEWS, counts.reviews)),
        Section(
            "其他",
            "Else",
            (
                _line("擦除台账", "rows of the erasure ledger", counts.erasures),
                _line("登记册变更", "changes of registers", sum(counts.changes.values())),
                Line("系统时钟跳变", "jumps of the machine's clock", counts.clock_jumps),
            ),
        ),
    )
    return Report(city, since, until, sections, SAID)


def _opened(looks: Mapping[LOOK, int]) -> dict[LOOK, int]:
    return {key: n for key, n in looks.items() if key[0] == "matter.opened" and key[2] != "denied"}


def _sum(looks: Mapping[LOOK, int], part: Callable[[LOOK], str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for key, count in looks.items():
        found[part(key)] += count
    return found


def _lines(named: tuple[tuple[str, str, str], ...], found: Mapping[str, int]) -> tuple[Line, ...]:
    return tuple(_line(zh, en, found.get(code, 0)) for code, zh, en in named)


def _known(named: Mapping[str, tuple[str, str]], found: Mapping[str, int]) -> tuple[Line, ...]:
    """Every known code, also at zero; then codes that have no words yet, under their own name."""
    known = [_line(zh, en, found.get(code, 0)) for code, (zh, en) in named.items()]
    return (*known, *(_line(code, code, found[code]) for code in sorted(set(found) - set(named))))


def _line(zh: str, en: str, count: int) -> Line:
    return Line(zh, en, None if 0 < count < SMALL else count)


def html(made: Report) -> str:
    """A page to publish: both languages, no script, nothing from elsewhere."""
    parts = [
        "<!doctype html><html lang='zh-CN'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>透明度报告 {escape(made.city)}</title><style>{_STYLE}</style><main>",
        f"<h1>透明度报告 · Transparency report<br><small>{escape(made.city)}</small></h1>",
        f"<p>{made.since:%Y-%m-%d} – {made.until:%Y-%m-%d} (UTC)。由平台自身的日志重新计数得出；",
        f"少于 {SMALL} 的数字不公开。 Recounted from the platform's own logs; figures below",
        f" {SMALL} are not shown.</p>",
    ]
    for section in made.sections:
        parts.append(f"<h2>{escape(section.zh)} <small>{escape(section.en)}</small></h2><table>")
        parts += [
            f"<tr><td>{escape(line.zh)}<br><small>{escape(line.en)}</small></td>"
            f"<td>{f'&lt; {SMALL}' if line.count is None else line.count}</td></tr>"
            for line in section.lines
        ]
        parts.append("</table>")
    parts += [f"<p>{escape(zh)}<br><small>{escape(en)}</small></p>" for zh, en in made.said]
    return "".join([*parts, "</main></html>\n"])


_STYLE: Final = (
    "body{font:15px/1.5 system-ui,'Noto Sans SC',sans-serif;color:#16202B;background:#F7F9FB}"
    "main{max-width:720px;margin:32px auto;padding:0 16px}"
    "table{width:100%;border-collapse:collapse}"
    "td{border-top:1px solid #D9E0E7;padding:6px 0;vertical-align:top}"
    "td+td{text-align:right;font-variant-numeric:tabular-nums}"
    "small{color:#5B6B7B;font-weight:400}"
    "h1{font-size:24px}h2{font-size:16px;margin-top:32px}"
)
