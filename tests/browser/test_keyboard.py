"""A day without a mouse: what a desk does from signing in to signing out has a key of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import UNITS
from tests.browser.screen import Screen
from tests.stories.desk import PASSWORD, on_duty, signed_in

pytestmark = pytest.mark.browser
#: More than these between two things somebody does, and it is a dead end.
STEPS = 6


def tab_to(screen: Screen, wanted: Locator) -> None:
    """As a person would: Tab until it is there. It must be near and show where it is."""
    for _ in range(STEPS):
        screen.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            assert wanted.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
            return
    raise AssertionError(f"{wanted} is not within {STEPS} steps")


def test_a_matter_is_closed_by_keys_alone(screen: Screen, matters: dict[str, str]) -> None:
    where, order = f"/api/incidents/{matters['grave']}", matters["grave"]
    officer, desk = on_duty(screen.server, UNITS[0]), signed_in(screen.server, "dispatcher")
    desk.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": UNITS[0]}]})
    for step in ("deliver", "sign", "set_out", "arrive", "handle"):
        officer.do(f"{where}/orders/{order}/{step}", {"at": datetime.now(UTC)})
    found = {"result": "handled", "final": True, "narrative": "示例：已救起"}
    officer.do(f"{where}/feed_back", found)
    officer.do(f"{where}/orders/{order}/finish", {"at": datetime.now(UTC)})

    screen.sign_in("duty_chief")
    expect(screen.lines).to_have_count(3)
    # The keyboard stands in the filter: a hundred things lie between it and the matter.
    screen.press("/", "Escape", "ArrowDown", "Enter")
    close = screen.matter.get_by_role("button", name="办结", exact=True)
    expect(close).to_be_visible()
    tab_to(screen, close)
    screen.press("Enter", "Enter")
    expect(screen.lines).to_have_count(2)
    screen.press("Escape")
    expect(screen.matter).to_have_count(0)


def test_the_desk_is_handed_over_and_left_by_keys_alone(screen: Screen) -> None:
    screen.sign_in("dispatcher")
    expect(screen.page.get_by_text("现在没有未结警情")).to_be_visible()
    hand_over = screen.page.get_by_role("button", name="交接班")
    screen.press("m")
    expect(hand_over).to_be_visible()
    screen.press("Escape")
    expect(hand_over).to_be_hidden()
    screen.press("m", "ArrowUp", "ArrowUp")
    expect(hand_over).to_be_focused()
    screen.press("Enter")
    dialog = screen.page.get_by_role("dialog", name="交接班")
    expect(dialog.get_by_label("用户名")).to_be_focused()
    screen.page.keyboard.type("duty-chief")
    screen.press("Tab")
    screen.page.keyboard.type(PASSWORD)
    screen.press("Enter")
    read = screen.page.get_by_role("button", name="知道了")
    expect(read).to_be_focused()
    screen.press("Enter")
    expect(screen.page.get_by_role("dialog")).to_have_count(0)
    expect(screen.page.get_by_label("我的菜单")).to_contain_text("值班长")
    screen.press("m", "ArrowUp", "Enter")
    expect(screen.page.get_by_label("用户名")).to_be_focused()


def test_a_call_begun_is_there_after_another_page_and_after_clearing(screen: Screen) -> None:
    screen.sign_in("call_taker")
    screen.press("F2")
    expect(screen.intake.get_by_label("地点")).to_be_focused()
    screen.page.keyboard.type("122.301, 29.947")
    expect(screen.intake.get_by_text("29.9470°N 122.3010°E")).to_be_visible()
    screen.intake.get_by_label("报警内容").fill("示例：听不清，正在核实")
    screen.press("Escape")
    screen.visit("/#page=security")
    expect(screen.page.get_by_role("heading", name="我的登录")).to_be_visible()
    screen.press("Escape")
    go_on = screen.page.get_by_role("button", name="继续未发的接警单")
    expect(go_on).to_be_visible()
    screen.press("F2")
    words = screen.intake.get_by_label("报警内容")
    expect(words).to_have_value("示例：听不清，正在核实")
    screen.intake.get_by_role("button", name="清空").click()
    expect(words).to_have_value("")
    screen.intake.get_by_role("button", name="恢复刚清空的内容").click()
    expect(words).to_have_value("示例：听不清，正在核实")
    expect(screen.intake.get_by_text("29.9470°N 122.3010°E")).to_be_visible()


def test_a_page_for_others_says_whose_it_is(screen: Screen) -> None:
    screen.sign_in("dispatcher", "/")
    screen.visit("/#page=tokens")
    expect(screen.page.get_by_text("这一页不归您的角色")).to_be_visible()
    expect(screen.page.get_by_text("管理员").first).to_be_visible()
    screen.press("Escape")
    expect(screen.page.get_by_role("heading", name="集结")).to_be_visible()


def test_a_page_whose_code_is_gone_is_told_and_the_board_goes_on(screen: Screen) -> None:
    """A console stays open while the program under it is updated."""
    screen.sign_in("dispatcher")
    screen.page.route("**/assets/security-page*.js", lambda route: route.fulfill(status=404))
    screen.visit("/#page=security")
    expect(screen.page.get_by_role("alert")).to_contain_text("程序可能刚更新过")
    expect(screen.page.get_by_role("button", name="重新载入")).to_be_focused()
    screen.press("Tab", "Enter")
    expect(screen.page.get_by_role("heading", name="集结")).to_be_visible()


def test_tab_takes_what_an_open_list_offers_and_goes_on(screen: Screen) -> None:
    """Who types fast presses Tab before a slow page has closed its list: no letter goes astray."""
    screen.sign_in("call_taker")
    screen.press("F2")
    where, what = screen.intake.get_by_label("地点"), screen.intake.get_by_label("类别")
    expect(where).to_be_focused()
    screen.page.keyboard.type("沈家门")
    expect(screen.page.get_by_text("Shenjiamen", exact=True)).to_be_visible()
    screen.press("Tab")
    expect(what).to_be_focused()
    expect(screen.intake.get_by_text("29.9576°N")).to_be_visible()
    screen.page.keyboard.type("盗窃")
    expect(screen.page.get_by_title("盗窃").first).to_be_visible()
    screen.press("Tab")
    expect(what).not_to_be_focused()
    screen.press("Control+Enter")
    screen.expect_open("盗窃")
