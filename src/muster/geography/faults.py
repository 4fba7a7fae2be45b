"""What can be wrong with a city pack, each as one sentence in Chinese and in English."""

from __future__ import annotations

from typing import Final

import msgspec

#: code -> (Chinese sentence, English sentence); the braces are filled from `Fault.values`.
SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "missing_folder": ("找不到城市包文件夹", "the city pack folder does not exist"),
    "missing_file": ("缺少这个文件", "the file is missing"),
    "bad_encoding": (
        "文件不是 UTF-8 编码（若由 Excel 存为 GBK，请另存为“CSV UTF-8”）",
        "the file is not UTF-8 text (if Excel saved it as GBK, save it as “CSV UTF-8”)",
    ),
    "bad_toml": ("TOML 写法有误：{detail}", "this is not valid TOML: {detail}"),
    "bad_json": ("GeoJSON 写法有误：{detail}", "this is not valid GeoJSON: {detail}"),
    "bad_csv": ("CSV 写法有误：{detail}", "this is not valid CSV: {detail}"),
    "missing_column": ("缺少“{column}”一列", "the column “{column}” is missing"),
    "unknown_column": ("不认识“{column}”这一项", "“{column}” is not known here"),
    "cell_count": (
        "应有 {expected} 格，实有 {found} 格",
        "expected {expected} cells and found {found}",
    ),
    "missing_value": ("“{column}”不能为空", "“{column}” must not be empty"),
    "bad_value": (
        "“{column}”的值“{value}”不对：{detail}",
        "“{column}” has the wrong value “{value}”: {detail}",
    ),
    "duplicate": (
        "“{column}”的值“{value}”与第 {first} 行重复",
        "“{column}” repeats “{value}” of line {first}",
    ),
    "unknown_reference": (
        "“{column}”的值“{value}”在 {where} 里找不到",
        "“{column}” names “{value}”, which is not in {where}",
    ),
    "cycle": (
        "“{value}”的上级绕回了自己：{path}",
        "“{value}” is above itself: {path}",
    ),
    "bad_tier": (
        "“{value}”是 {tier} 级，不能归 {parent_tier} 级的“{parent}”管",
        "“{value}” is of tier {tier} and cannot be under “{parent}” of tier {parent_tier}",
    ),
    "no_root": ("没有 city 级单位", "there is no organisation of tier city"),
    "outside_bbox": (
        "“{value}”的坐标 {lon}, {lat} 在城市范围之外",
        "the position {lon}, {lat} of “{value}” is outside the city's bounding box",
    ),
    "bad_bbox": (
        "bbox 应为 [西, 南, 东, 北]，且西<东、南<北",
        "bbox must be [west, south, east, north] with west < east and south < north",
    ),
    "bad_geometry": (
        "“{value}”的多边形有误：{detail}",
        "the polygon of “{value}” is bad: {detail}",
    ),
    "missing_clock": (
        "缺少时限“{name}”（{level} 级）",
        "the clock “{name}” is missing for level {level}",
    ),
    "missing_group": (
        "没有一个状态属于“{group}”组",
        "no status belongs to the group “{group}”",
    ),
    "missing_level": ("缺少 {level} 级", "level {level} is missing"),
    "bad_timezone": ("没有“{value}”这个时区", "there is no time zone “{value}”"),
}


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong. `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    code: str
    values: dict[str, str] = {}

    @property
    def zh(self) -> str:
        return SENTENCES[self.code][0].format(**self.values)

    @property
    def en(self) -> str:
        return SENTENCES[self.code][1].format(**self.values)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.zh} / {self.en}"


class PackInvalid(Exception):
    """The pack cannot be used. `faults` holds everything found, in file and line order."""

    def __init__(self, folder: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(folder, faults)
        self.folder = folder
        self.faults = faults

    def __str__(self) -> str:
        head = f"{self.folder}: 城市包有 {len(self.faults)} 处错误 / {len(self.faults)} faults"
        return "\n".join([head, *map(str, self.faults)])


_WHOLE_FILE: Final = frozenset(
    {"missing_file", "bad_encoding", "bad_csv", "bad_json", "missing_column", "unknown_column"}
)


class Faults:
    """Collects faults, so that a pack's maker sees all of them at once and not one per attempt."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._unreadable: set[str] = set()

    def add(self, file: str, line: int, code: str, **values: object) -> None:
        self._found.append(Fault(file, line, code, {k: str(v) for k, v in values.items()}))
        if code in _WHOLE_FILE:
            self._unreadable.add(file)

    def readable(self, file: str) -> bool:
        """False when the file as a whole could not be read: what it lacks then says nothing."""
        return file not in self._unreadable

    def found(self) -> tuple[Fault, ...]:
        return tuple(sorted(self._found, key=lambda fault: (fault.file, fault.line)))
