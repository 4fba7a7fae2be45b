"""The load profile of a recorded file: what it tells of calls by hour, day, station and kind, of
its units, and what it does not tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from muster.simulate.columns import ColumnMap
from muster.simulate.figures import Spread, spread
from muster.simulate.recorded import Records
from muster.simulate.refusal import FLAWS, REJECTS

if TYPE_CHECKING:
    from muster.simulate.draft_units import DraftUnit

FILE: Final = "load.json"
_SHOWN: Final = 12


class Said(msgspec.Struct, frozen=True):
    """One sentence in both languages."""

    zh: str
    en: str


class UnitLoad(msgspec.Struct, frozen=True):
    """A unit of the draft pack. rows: of the file that it is in, 0 for an invented one."""

    name: str
    station: str
    kind: str
    source: str
    rows: int


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """rows = calls + grouped + rejected. by_hour: mean calls a day in each hour, by the local
    clock; by_weekday: mean calls on each, Monday first. lacks: what the file does not tell."""

    name: Said
    attribution: str
    timezone: str
    rows: int
    calls: int
    grouped: int
    rejected: dict[str, int]
    flaws: dict[str, int]
    first_day: str
    last_day: str
    days: int
    by_hour: tuple[float, ...]
    by_weekday: tuple[float, ...]
    stations: dict[str, int]
    no_station: int
    categories: dict[str, int]
    units: tuple[UnitLoad, ...]
    units_left_out: int
    arrive_s: Spread
    busy_s: Spread
    lacks: tuple[Said, ...]
    how: tuple[Said, ...]

    def text(self) -> str:
        """The pack's README: what is derived, how, and what is missing."""
        rejected = sum(self.rejected.values())
        lines = [
            "# 草稿城市包 · Draft city pack",
            "",
            f"{self.name.zh} · {self.name.en}. {self.attribution}",
            "",
            f"由警情记录生成，{self.first_day} 至 {self.last_day}。"
            f" Made from recorded calls of {self.first_day} to {self.last_day}.",
            "",
            f"- 行 rows {self.rows} = 警情 calls {self.calls} + 同一警情的其余行 further rows of a "
            f"call {self.grouped} + 拒收 rejected {rejected}",
            *_counted("拒收 rejected", self.rejected, REJECTS),
            *_counted("瑕疵 flaw", self.flaws, FLAWS),
            "- 每一处的行号 the line of each: `dirt.csv`; 忙闲与数字 load and figures: `load.json`",
            "",
            "## 怎样得出 · What is derived, and how",
            "",
            *(f"- {one.zh}\n  {one.en}" for one in self.how),
            "",
            "## 没有的 · What the file does not tell",
            "",
            *(f"- {one.zh}\n  {one.en}" for one in self.lacks),
            "",
        ]
        return "\n".join(lines)

    def table(self) -> str:
        """For the terminal."""
        lines = [
            f"  行 rows {self.rows} = 警情 calls {self.calls} + 成组 grouped {self.grouped}"
            f" + 拒收 rejected {sum(self.rejected.values())}",
            *("  " + line for line in _counted("拒收 rejected", self.rejected, REJECTS)),
            *("  " + line for line in _counted("瑕疵 flaw", self.flaws, FLAWS)),
            f"  {self.first_day} – {self.last_day} · 站 stations {len(self.stations)}"
            f" · 单元 units {len(self.units)} · 类别 categories {len(self.categories)}",
            "  每时 calls by hour  " + " ".join(f"{value:.1f}" for value in self.by_hour),
            *(f"  没有 lacks: {one.zh} / {one.en}" for one in self.lacks),
        ]
        return "\n".join(lines)


def _counted(kind: str, found: dict[str, int], words: dict[str, tuple[str, str]]) -> list[str]:
    return [
        f"- {kind} `{reason}` {number}: {words[reason][0]} / {words[reason][1]}"
        for reason, number in found.items()
    ]


def profile(records: Records, columns: ColumnMap, units: Sequence[DraftUnit]) -> Profile:
    """Figures of the whole file; `records` has at least one call."""
    zone = ZoneInfo(columns.about.timezone)
    locals_ = [call.reported_at.astimezone(zone) for call in records.calls]
    first, last = min(locals_).date(), max(locals_).date()
    days = (last - first).days + 1
    hours = Counter(at.hour for at in locals_)
    weekdays = Counter(at.weekday() for at in locals_)
    weeks = Counter((first.weekday() + day) % 7 for day in range(days))
    stations = Counter(call.station for call in records.calls if call.station is not None)
    named = {unit.name for unit in units if unit.source == "named"}
    seen = records.units
    return Profile(
        name=Said(columns.about.name_zh, columns.about.name_en),
        attribution=columns.about.attribution,
        timezone=columns.about.timezone,
        rows=records.rows,
        calls=len(records.calls),
        grouped=records.grouped,
        rejected=dict(records.rejected),
        flaws=dict(records.dirt.flaws),
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        days=days,
        by_hour=tuple(round(hours[hour] / days, 3) for hour in range(24)),
        by_weekday=tuple(round(weekdays[day] / max(weeks[day], 1), 3) for day in range(7)),
        stations=dict(stations.most_common()),
        no_station=len(records.calls) - stations.total(),
        categories=dict(Counter(" / ".join(one.path) for one in records.calls).most_common()),
        units=tuple(
            UnitLoad(*one, seen[one.name].rows if one.name in named else 0) for one in units
        ),
        units_left_out=len(seen) - len(named),
        arrive_s=spread(one.arrive_s for one in records.calls if one.arrive_s is not None),
        busy_s=spread(one.busy_s for one in records.calls if one.busy_s is not None),
        lacks=tuple(_lacks(records, columns, units)),
        how=tuple(_how(records, columns, units)),
    )


def _how(records: Records, columns: ColumnMap, units: Sequence[DraftUnit]) -> list[Said]:
    if records.areas is not None:
        where = Said(
            f"站点位置取自 {columns.place.stations}；辖区按就近划分；"
            "警情的地点是辖区的中部，只知辖区。",
            f"Stations stand where {columns.place.stations} says; an area is what is nearest to "
            "its station; a call's place is the middle of the area, and only the area is known.",
        )
    else:
        where = Said(
            "站点在其警情的平均位置，未必是真实站址；辖区按就近划分。",
            "A station is the mean place of its calls, which need not be where it stands; an area "
            "is what is nearest to it.",
        )
    found = [where]
    if columns.station is not None and columns.station.by_unit:
        found.append(
            Said(
                "站由首个派出单元的名字得出：是谁去的，不一定是谁的辖区。",
                "The station is told by the name of the first unit sent: it is who went, and not "
                "always whose ground it was.",
            )
        )
    found += [_UNITS[source] for source in _UNITS if any(one.source == source for one in units)]
    found.append(
        Said(
            "每小时警情数为首日至末日的平均，按站、类别和当地钟点（rates.csv）。",
            "Calls per hour are means from the first day to the last, by station, category and "
            "local hour (rates.csv).",
        )
    )
    return found


_UNITS: Final = {
    "named": Said(
        "单元按文件中的名字；驻在名字所属的站，或出现最多的辖区。",
        "Units are named as in the file; each stands at the station of its name, or on whose "
        "ground it was most often.",
    ),
    "at_once": Said(
        "文件没有单元名：每站的单元数为同时在处警情数的第 99 百分位（2 至 12）。",
        "Where no unit is named: as many as the calls a station had in hand at once in 99 of 100 "
        "cases, from 2 to 12.",
    ),
    "default": Said(
        "没有依据的站各设 4 个虚构单元。",
        "A station about whose units nothing is known has 4 invented ones.",
    ),
}


def _lacks(records: Records, columns: ColumnMap, units: Sequence[DraftUnit]) -> list[Said]:
    found = []
    times = columns.reported_at if columns.reported_at.columns else columns.load
    if times.why_zh or times.why_en:
        found.append(Said(f"接报时间：{times.why_zh}", f"Call times: {times.why_en}"))
    if not columns.reported_at.columns:
        found.append(
            Said(
                "没有接报时间，这个文件不能重放。",
                "Without call times this file cannot be replayed.",
            )
        )
    if records.areas is not None:
        found.append(Said("坐标：只知辖区", "Coordinates: a place is known by its area only."))
    if not any(call.arrive_s is not None for call in records.calls):
        found.append(Said("首到用时", "When the first unit arrived."))
    if not any(call.busy_s is not None for call in records.calls):
        found.append(Said("单元何时重新可用", "How long units were out."))
    named = {one.name for one in units if one.source == "named"}
    left = sorted(records.units.keys() - named)
    if left:
        shown = ", ".join(islice(left, _SHOWN)) + (" …" if len(left) > _SHOWN else "")
        least = columns.units.at_least
        found.append(
            Said(
                f"{len(left)} 个单元未列入（少于 {least} 行，或不知属于哪个站）：{shown}",
                f"{len(left)} units are left out (in fewer than {least} rows, or of no known "
                f"station): {shown}",
            )
        )
    found.append(
        Said(
            "陆地与海、行政层级、时限、状态、人员：均为默认值，人员为虚构示例",
            "Land and sea, tiers, clocks, states and people: defaults; the people are invented.",
        )
    )
    return found
