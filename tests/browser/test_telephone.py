"""A telephone beside the board: it rings, is answered, the form fills itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.screen import Screen
from tests.stories.desk import signed_in
from tests.stories.test_telephone import EXTENSION, NUMBER, Exchange

pytestmark = pytest.mark.browser


def strip(screen: Screen) -> Locator:
    return screen.page.get_by_role("region", name="话务")


def at_desk(screen: Screen) -> None:
    screen.sign_in("call_taker")
    expect(strip(screen)).to_have_count(0)  # nobody has a telephone here: no strip
    screen.page.get_by_role("button", name="我的分机").click()
    strip(screen).get_by_label("我的分机").fill(EXTENSION)
    screen.press("Enter")
    expect(strip(screen).get_by_text(f"分机 {EXTENSION}")).to_be_visible()


def test_ringing_answered_and_the_form_is_filled(screen: Screen) -> None:
    at_desk(screen)
    exchange = Exchange(screen.server)
    exchange.says("ringing", 1, 6, number=NUMBER, extension=EXTENSION)
    expect(strip(screen).get_by_text("199******17")).to_be_visible()
    expect(screen.intake).to_have_count(0)
    exchange.says("answered", 2)
    expect(screen.intake.get_by_label("电话")).to_have_value(NUMBER)
    expect(screen.intake.get_by_label("地点")).to_be_focused()
    screen.page.keyboard.type("沈家门")
    expect(screen.page.get_by_text("Shenjiamen", exact=True)).to_be_visible()
    screen.press("Enter")
    screen.press("Tab")
    screen.page.keyboard.type("盗窃")
    expect(screen.page.get_by_title("盗窃").first).to_be_visible()
    screen.press("Enter")
    screen.press("Control+Enter")
    screen.expect_open("盗窃")
    exchange.says("ended", 3)
    expect(strip(screen).get_by_text("199******17")).to_have_count(0)
    expect(strip(screen).get_by_text("15 秒内 100%")).to_be_visible()
    strip(screen).get_by_text("15 秒内 100%").click()
    expect(strip(screen).get_by_text("telephone.waiting.1")).to_be_visible()


def test_one_key_takes_it_and_a_form_begun_is_left_alone(screen: Screen) -> None:
    at_desk(screen)
    screen.press("F2")
    screen.intake.get_by_label("报警内容").fill("示例：前一个来电")
    exchange = Exchange(screen.server)
    exchange.says("ringing", 1, 3, number=NUMBER, extension=EXTENSION)
    exchange.says("answered", 2)
    expect(strip(screen).get_by_text("通话中")).to_be_visible()
    expect(screen.intake.get_by_label("报警内容")).to_be_focused()
    screen.press("F4")
    expect(screen.page.get_by_text("接警单里已有内容，没有覆盖")).to_be_visible()
    expect(screen.intake.get_by_label("电话")).to_have_value("")
    expect(screen.intake.get_by_label("报警内容")).to_have_value("示例：前一个来电")
    screen.intake.get_by_role("button", name="清空").click()
    screen.press("F4")
    expect(screen.intake.get_by_label("电话")).to_have_value(NUMBER)


def test_who_hung_up_is_called_back(screen: Screen) -> None:
    at_desk(screen)
    for number in ("19900000101", "19900000102"):
        exchange = Exchange(screen.server)
        exchange.says("ringing", 1, 30, number=number)
        exchange.says("abandoned", 2, 10)
    strip(screen).get_by_text("待回拨 2").click()
    first = strip(screen).get_by_role("listitem").filter(has_text="199******01")
    first.get_by_role("button", name="已回拨").click()
    second = strip(screen).get_by_role("listitem").filter(has_text="199******02")
    expect(first).to_have_count(0)
    expect(second.get_by_role("button", name="联系不上")).to_be_disabled()
    second.get_by_label("原因").fill("示例：关机")
    second.get_by_role("button", name="联系不上").click()
    expect(strip(screen).get_by_text("没有待回拨的来电")).to_be_visible()
    audit = signed_in(screen.server, "auditor").get("/api/audit")["items"]
    reasons = [one["change"]["reason"] for one in audit]
    assert "示例：关机" in reasons and "done" in reasons
