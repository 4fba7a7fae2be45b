"""Masking what names a person. Pure.

In free text this is a best effort: the caller's name and phone, long runs of digits (phones,
accounts, identity cards) and plates go; a neighbour's name that only a reader recognises stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: Runs of at least so many digits are masked, however they are broken up.
LONGEST_SHOWN = 5
_MASK = "***"
_DIGIT = "0-9０-９〇零一二三四五六七八九幺"
_RUN = re.compile(rf"[{_DIGIT}](?:[\s\-–—.·/()（）]{{0,3}}[{_DIGIT}Xx])+")
_DATE = re.compile(r"(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])(?:\s\d\d?)?")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\s]?[A-Z0-9]{4,6}[A-Z0-9挂警学]?"
)


def mask_name(name: str) -> str:
    """张三 → 张*"""
    return name[:1] + "*" * max(1, len(name) - 1)


def mask_phone(phone: str) -> str:
    """Keeps the first three and the last two digits."""
    return phone[:3] + "*" * max(1, len(phone) - 5) + phone[-2:] if len(phone) > 5 else "***"


def mask_words(text: str, known: Iterable[str] = ()) -> str:
    """A text without phones, long numbers, plates and the `known` names and phones."""
    for word in known:
        for part in _parts(word):
            text = part.sub(_MASK, text)
    text = _PLATE.sub(_MASK, text)
    return _RUN.sub(_masked_run, text)


def _masked_run(found: re.Match[str]) -> str:
    run = found.group()
    digits = sum(character.isalnum() for character in run)
    return run if digits <= LONGEST_SHOWN or _DATE.fullmatch(run) else _MASK


def _parts(word: str) -> list[re.Pattern[str]]:
    """How a known name may stand in a text: whole, spaced out, its given name alone."""
    plain = unicodedata.normalize("NFKC", word).strip()
    pieces = [piece for piece in re.split(r"[\s·]+", plain) if len(piece) >= 2]
    whole = "".join(pieces) or plain
    wanted = {whole, *pieces}
    if _is_chinese(whole) and len(whole) >= 3:
        wanted.add(whole[-2:])
    longest = sorted((one for one in wanted if len(one) >= 2), key=len, reverse=True)
    return [re.compile(r"\s?".join(map(re.escape, one)), re.IGNORECASE) for one in longest]


def _is_chinese(text: str) -> bool:
    return all("\u4e00" <= character <= "\u9fff" for character in text)
