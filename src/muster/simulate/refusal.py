"""Why a file cannot be replayed, or a row of it cannot be played, in Chinese and in English."""

from __future__ import annotations

from typing import Final

#: code -> (Chinese, English); the braces are filled from the refusal's values.
REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "map.missing": (
        "读不到列映射文件 {map}：{detail}",
        "the column map {map} cannot be read: {detail}",
    ),
    "map.invalid": (
        "列映射文件 {map} 写得不对：{detail}。格式说明见 cities/import/README.md",
        "the column map {map} is not right: {detail}. cities/import/README.md explains the format",
    ),
    "file.missing": ("读不到文件 {file}：{detail}", "the file {file} cannot be read: {detail}"),
    "file.empty": ("文件 {file} 是空的", "the file {file} is empty"),
    "file.damaged": (
        "文件 {file} 在第 {line} 行之后损坏或被截断（{detail}），请重新取得完整的文件",
        "the file {file} is damaged or cut short after line {line} ({detail}); "
        "fetch the whole file again",
    ),
    "file.encoding": (
        "文件 {file} 在第 {line} 行之后不是 {encoding} 编码",
        "the file {file} is not {encoding} text after line {line}",
    ),
    "file.columns": (
        "文件 {file} 里没有列映射 {map} 要读的列：{columns}",
        "the file {file} lacks columns that the map {map} reads: {columns}",
    ),
    "times.missing": (
        "{file} 没有一列说明报警是什么时候来的；{why}没有接报时间就无法重放，所以不重放这个文件",
        "{file}: no column says when the call came; {why}"
        "without call times there is nothing to replay, so this file is not replayed",
    ),
    "places.missing": (
        "{file} 没有坐标，只有站名；请给出站点位置表（CSV：station,lon,lat），"
        '并在列映射 {map} 的 [place] 里写 stations = "文件名"',
        "{file} has no coordinates, only station names; give a list of station places "
        '(CSV: station,lon,lat) and name it in [place] of {map}: stations = "file name"',
    ),
    "stations.invalid": (
        "站点位置表 {stations} 读不了：{detail}",
        "the list of station places {stations} cannot be read: {detail}",
    ),
    "calls.none": (
        "{file} 里没有可以重放的警情（拒收 {rejected} 行）",
        "{file} holds no call that can be replayed ({rejected} rows rejected)",
    ),
    "day.empty": (
        "{file} 在 {day} 这一天没有警情；文件里有 {first} 到 {last}",
        "{file} has no call on {day}; it covers {first} to {last}",
    ),
    "draft.stations": (
        "列映射 {map} 没有 [station]，无法从文件生成草稿城市包",
        "the map {map} has no [station], so no draft pack can be made from the file",
    ),
    "pack.needed": (
        "请用 --city 给出城市包，或用 --draft 从文件生成一个",
        "give a city pack with --city, or have one made from the file with --draft",
    ),
    "pack.categories": (
        "城市包没有这些警情类别：{codes}；请在列映射 {map} 的 [category.codes] 里对应",
        "the city pack does not have these categories: {codes}; map them in [category.codes] "
        "of {map}",
    ),
    "clock.wrong": (
        "这个实例的时钟不合适：需要{wanted}，实际速度是 {speed}",
        "the instance has the wrong clock: {wanted} is needed, its speed is {speed}",
    ),
    "people.missing": (
        "城市包里没有带单元账号的民警，没人能出警",
        "no officer of the city pack has a unit, so nobody can answer an order",
    ),
}

#: reason a row is rejected -> (Chinese, English).
REJECTS: Final[dict[str, tuple[str, str]]] = {
    "row.cells": ("格数与表头不符", "the number of cells differs from the header"),
    "number.missing": ("没有编号", "no number"),
    "time.missing": ("没有报警时间", "no call time"),
    "time.invalid": ("报警时间的写法不对", "the call time is not written as the map says"),
    "time.impossible": (
        "报警时间不存在（夏令时拨快的那一小时）或荒唐",
        "the call time does not exist (skipped by summer time) or is absurd",
    ),
    "place.missing": ("没有地点", "no place"),
    "place.invalid": ("坐标不是数", "the coordinates are not numbers"),
    "place.outside": ("坐标在参照系或城市范围之外", "the place is outside the system or the city"),
    "station.unknown": ("站点位置表里没有这个站", "the station is not in the list of places"),
    "category.missing": ("没有类别", "no category"),
}


class ReplayRefused(Exception):
    """The replay cannot be done. `zh` and `en` say why and what helps."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        chinese, english = REFUSALS[code]
        shown = {name: str(value) for name, value in values.items()}
        spoken = {**shown, "why": shown.get("why_zh", "")}
        self.zh = chinese.format(**spoken)
        self.en = english.format(**{**shown, "why": shown.get("why_en", "")})

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"
