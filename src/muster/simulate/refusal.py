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
    "file.twice": (
        "文件 {file} 里有同名的列，不知道列映射 {map} 要读哪一列：{columns}",
        "the file {file} has columns of the same name, and the map {map} reads them: {columns}",
    ),
    "file.line": (
        "文件 {file} 有一行超过 {most} 字节，不是按行记录的表格",
        "the file {file} has a line of more than {most} bytes, so it is no table of records",
    ),
    "file.bomb": (
        "文件 {file} 解压后超过原来的 {most} 倍，不像警情记录，不再读下去",
        "the file {file} unpacks to more than {most} times its size, which no call records do; "
        "reading was stopped",
    ),
    "file.rows": (
        "文件 {file} 超过 {most} 行，请分成几个文件",
        "the file {file} has more than {most} rows; divide it",
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
    "load.missing": (
        "{file} 没有接报时间，列映射 {map} 也没有 [load] 说明按什么时间估计忙闲，"
        "无法生成草稿城市包",
        "{file} has no call times, and the map {map} has no [load] that names another time to "
        "tell the hours of load by, so no draft pack can be made",
    ),
    "draft.exists": (
        "文件夹 {folder} 已存在且不是空的；草稿城市包不覆盖任何东西，请换一个",
        "the folder {folder} exists and is not empty; a draft pack overwrites nothing: choose "
        "another",
    ),
    "draft.folder": (
        "写不了文件夹 {folder}：{detail}",
        "the folder {folder} cannot be written: {detail}",
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
    "row.blank": ("空行", "a blank row"),
    "row.cells": ("格数与表头不符", "the number of cells differs from the header"),
    "cell.long": ("有一格过长", "a cell is too long"),
    "number.missing": ("没有编号", "no number"),
    "time.missing": ("没有报警时间", "no call time"),
    "hour.missing": ("没有可据以统计忙闲的时刻", "no time to tell the hour of load by"),
    "time.invalid": ("报警时间的写法不对", "the call time is not written as the map says"),
    "time.impossible": (
        "报警时间不存在（夏令时拨快的那一小时）或荒唐",
        "the call time does not exist (skipped by summer time) or is absurd",
    ),
    "place.missing": ("没有地点", "no place"),
    "place.invalid": ("坐标不是数", "the coordinates are not numbers"),
    "place.outside": ("坐标在参照系或城市范围之外", "the place is outside the system or the city"),
    "station.missing": ("没有站点，因而没有地点", "no station, and so no place"),
    "station.unknown": ("站点位置表里没有这个站", "the station is not in the list of places"),
    "category.missing": ("没有类别", "no category"),
}

#: what is wrong in a row that was taken all the same -> (Chinese, English).
FLAWS: Final[dict[str, tuple[str, str]]] = {
    "step.invalid": ("某一步的时间写法不对，未采用", "the time of a step is not a time: not used"),
    "step.order": (
        "某一步早于前一步（不是跨零点），未采用",
        "a step comes before the one it follows, and not over midnight: not used",
    ),
    "arrival.invalid": ("首到用时不是数，未采用", "the arrival is no number: not used"),
    "arrival.absurd": (
        "首到用时为负或超过六小时，未采用",
        "the arrival is negative or after more than six hours: not used",
    ),
    "list.broken": (
        "单元列表里有一项不是“单元=时间”，未采用",
        "a piece of a list of units is not UNIT=time: not used",
    ),
    "unit.repeated": (
        "同一单元在一个列表里出现多次，只作一个单元",
        "a unit occurs again in the same list: it counts as one unit",
    ),
    "unit.unsent": (
        "单元有后续时间却没有派出时间",
        "a unit has a later time and was never sent",
    ),
    "unit.never_free": (
        "单元派出后没有离场时间",
        "a unit was sent and has no time at which it was free",
    ),
    "unit.nameless": ("没有单元", "no unit"),
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
