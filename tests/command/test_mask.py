"""What names a person goes from a text; what helps to find and help stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.command.incidents.mask import mask_name, mask_phone, mask_words

PHONES = (
    "13900001234",
    "139 0000 1234",
    "139-0000-1234",
    "１３９００００１２３４",
    "(0580)2345678",
    "0580-2345678",
    "+86 139 0000 1234",
    "一三九零零零零一二三四",
    "幺三九〇〇〇〇幺二三四",
    "139 . 0000 . 1234",
)


@pytest.mark.parametrize("phone", PHONES)
def test_phones_go_however_they_are_written(phone: str) -> None:
    shown = mask_words(f"家属电话{phone}，请联系（示例）")
    assert not re.search(r"[0-9０-９]{3}|[一二三四五六七八九零〇幺]{3}", shown), shown
    assert shown.startswith("家属电话") and shown.endswith("请联系（示例）")


@pytest.mark.parametrize(
    "text", ["33090219900101123X", "浙L12345", "浙L·D1234", "6222 0000 1111 222"]
)
def test_cards_accounts_and_plates_go(text: str) -> None:
    assert "***" in mask_words(f"示例 {text} 示例")
    assert text not in mask_words(f"示例 {text} 示例")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("欧阳示例", "报警人欧阳示例称"),
        ("张示例", "张 示 例 在现场"),
        ("张示例", "示例说他在二楼"),
        ("阿示例·某例", "某例在门口"),
        ("Jane Example", "jane example is at the door"),
        ("Jane Example", "EXAMPLE is at the door"),
    ],
)
def test_the_callers_name_goes(name: str, text: str) -> None:
    shown = mask_words(text, [name])
    assert "***" in shown
    assert name not in shown


@pytest.mark.parametrize(
    "text",
    [
        "老人约七十岁，穿红衣，身高1米65",
        "莲花洋路 88 号 3 幢 201 室",
        "2026-11-23 14:03 走失",
        "火警 119 已到，3 车 2 艇",
        "北纬 29.94",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert mask_words(text, ["欧阳某某"]) == text


@given(st.text(), st.lists(st.text(max_size=6), max_size=2))
def test_any_text_is_taken_and_masking_again_changes_nothing(text: str, names: list[str]) -> None:
    once = mask_words(text, names)
    assert mask_words(once) == mask_words(mask_words(once))


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(), st.text())
def test_no_phone_survives_among_any_words(phone: str, before: str, after: str) -> None:
    assert phone not in mask_words(before + phone + after)


def test_names_and_phones_by_themselves() -> None:
    assert (mask_name("张示例"), mask_name("张"), mask_name("")) == ("张**", "张*", "*")
    assert mask_phone("13900001234") == "139******34"
    assert mask_phone("12345") == "***"
