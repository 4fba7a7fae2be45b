"""What is wrong with one field, in both languages: from msgspec's words or our own reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 200

#: `reason` of Refused("input.invalid", path=…, reason=…)
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "": ("内容不符合要求", "does not fit"),
    "nul": ("不能含有空字符（NUL）", "must not contain NUL"),
    "surrogate": ("含有不完整的字符", "contains half a character"),
    "integer": ("整数过大", "the integer is too large"),
    "number": ("不是有限的数", "not a finite number"),
    "date": (
        "时间须带时区，且在 1990 至 2100 年之间",
        "a time needs its zone and a year 1990 to 2100",
    ),
    "time": ("不是带时区的 RFC 3339 时间", "not an RFC 3339 time with its zone"),
    "uuid": ("不是 UUID", "not a UUID"),
    "unknown": ("没有这个值", "no such value"),
    "missing": ("缺少", "missing"),
    "twice": ("出现了两次", "stands twice"),
    "form": ("格式不对", "not in the expected form"),
}

_TYPES: Final[Mapping[str, str]] = {
    "int": "整数",
    "float": "数",
    "str": "文字",
    "bool": "是或否（true/false）",
    "array": "数组",
    "object": "对象",
    "null": "空（null）",
    "datetime": "时间",
}

#: msgspec's words -> ours in Chinese; groups are filled in, types translated.
_ZH: Final[tuple[tuple[str, str], ...]] = (
    (r"Expected `(.+)`, got `(.+)`", "应为{0}，收到的是{1}"),
    (r"Expected `(.+)` of length >= (\d+)", "太短：至少 {1}"),
    (r"Expected `(.+)` of length <= (\d+)", "太长：最多 {1}"),
    (r"Expected `(.+)` with a timezone component", "时间须带时区"),
    (r"Expected `(.+)` (<=|>=|<|>) (.+)", "须 {1} {2}"),
    (r"Invalid enum value (.+)", "没有 {0} 这个值"),
    (r"Invalid RFC3339 encoded datetime", "不是带时区的 RFC 3339 时间"),
    (r"Object missing required field `(.+)`", "缺少字段 {0}"),
    (r"Object contains unknown field `(.+)`", "没有字段 {0}"),
    (r"(?:JSON is malformed.*|Input data was truncated)", "不是正确的 JSON"),
    (r"(?:Number|Integer value) out of range", "数值过大"),
    (r"Missing required (?:query|header|path|cookie) parameter.*", "缺少"),
)
_FORM = re.compile(r"Expected `str` matching regex .+", re.DOTALL)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _ZH)


def both(said: str) -> tuple[str, str]:
    """(Chinese, English) of a reason of ours or a message of msgspec, at most 200 characters."""
    if said in REASONS:
        return REASONS[said]
    if _FORM.fullmatch(said):
        return REASONS["form"]
    for pattern, words in _PATTERNS:
        found = pattern.fullmatch(said)
        if found is not None:
            zh = words.format(*(_type(group) for group in found.groups()))
            return zh[:LONGEST], said[:LONGEST]
    return REASONS[""][0], said[:LONGEST]


def _type(words: str) -> str:
    """`int | null` -> 整数或空（null）; other words stay."""
    parts = words.split(" | ")
    return "或".join(_TYPES.get(part, part) for part in parts)
