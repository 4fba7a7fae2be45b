"""Watching: matters, map, units, one timeline, the line that breaks."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import UNITS
from tests.browser.screen import Screen
from tests.stories.desk import call, signed_in

pytestmark = pytest.mark.browser


def test_the_board_shows_matters_by_level_and_units_by_group(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.sign_in()
    screen.expect_board(3)
    ids = [line.get_attribute("id") for line in screen.lines.all()]
    assert ids == [f"matter-{matters[name]}" for name in ("grave", "ordinary", "minor")]
    expect(screen.line(matters["grave"])).to_contain_text("待派")
    available = screen.page.get_by_role("region", name="可派")
    expect(available.get_by_role("button")).to_have_count(len(UNITS))
    expect(screen.chart).to_have_attribute("data-units", str(len(UNITS)))


def test_an_open_matter_shows_its_journal_and_follows_it(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.sign_in()
    screen.line(matters["ordinary"]).click()
    expect(screen.journal).to_have_count(2)
    expect(screen.journal.first).to_contain_text("接警立案")
    expect(screen.journal.last).to_contain_text("示例：报警人补充，穿红色外套")
    expect(screen.matter).to_contain_text("沈家门渔港（示例）")
    expect(screen.matter).to_contain_text("示例：码头有人落水")
    taker = signed_in(screen.server, "call-taker")
    where = f"/api/incidents/{matters['ordinary']}"
    place = {"lon": 122.303, "lat": 29.948, "label": "沈家门示例码头"}
    taker.do(f"{where}/correct_place", {"place": place, "reason": "示例：报警人改口"})
    expect(screen.journal).to_have_count(3)
    expect(screen.journal.first.locator("del")).to_have_text("沈家门渔港（示例）")
    expect(screen.journal.first.locator("ins")).to_have_text("沈家门示例码头")


def test_keys_move_open_and_close(screen: Screen, matters: dict[str, str]) -> None:
    screen.sign_in()
    screen.expect_board(3)
    screen.press("ArrowDown", "ArrowDown")
    expect(screen.line(matters["ordinary"])).to_have_attribute("aria-selected", "true")
    screen.press("Enter")
    expect(screen.journal).to_have_count(2)
    screen.press("ArrowDown")
    expect(screen.line(matters["minor"])).to_have_attribute("aria-selected", "true")
    expect(screen.journal).to_have_count(1)
    screen.press("Escape")
    expect(screen.matter).to_be_hidden()
    screen.press("?")
    keys = screen.page.get_by_role("dialog", name="按键")
    expect(keys).to_contain_text("F2")
    screen.press("Escape")
    expect(keys).to_be_hidden()


def test_filters_narrow_the_list_and_say_how_to_undo(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.sign_in()
    screen.expect_board(3)
    screen.press("/")
    screen.page.keyboard.type("没有这样的地方")
    expect(screen.page.get_by_text("没有符合筛选条件的警情")).to_be_visible()
    screen.press("Enter", "Escape")
    expect(screen.lines).to_have_count(3)
    levels = screen.page.get_by_role("group", name="按等级筛选")
    levels.get_by_role("button").first.click()
    expect(screen.lines).to_have_count(1)
    expect(screen.line(matters["grave"])).to_be_visible()
    screen.page.reload()
    expect(screen.lines).to_have_count(1)
    expect(screen.chart).to_have_attribute("data-incidents", "1")


def test_language_and_theme_are_switched_and_kept(screen: Screen) -> None:
    screen.sign_in()
    page = screen.page
    page.get_by_label("我的菜单").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Muster")).to_be_visible()
    expect(page.get_by_text("Nothing is open now.")).to_be_visible()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.reload()
    expect(page.get_by_role("heading", name="Muster")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_lost_connection_is_said_and_what_was_missed_is_caught_up(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.sign_in()
    screen.expect_board(3)
    screen.server.stop()
    banner = screen.page.get_by_role("alert")
    expect(banner).to_contain_text("连接中断")
    expect(screen.lines).to_have_count(3)
    screen.server.start()
    signed_in(screen.server, "call-taker").do("/api/incidents", call(str(uuid4()), level=2))
    expect(banner).to_be_hidden()
    expect(screen.lines).to_have_count(4)
    expect(screen.chart).to_have_attribute("data-incidents", "4")


def test_who_may_see_nothing_is_told_so_and_not_that_the_line_is_lost(screen: Screen) -> None:
    screen.sign_in("administrator")
    expect(screen.page.get_by_text("你的角色看不到警情和警力")).to_be_visible()
    expect(screen.page.get_by_role("alert")).to_be_hidden()


def test_a_feed_that_stands_still_is_said_though_the_line_holds(
    screen: Screen, matters: dict[str, str]
) -> None:
    feed = ["stalled"]

    def between(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()
        server_side.on_message(
            lambda said: page_side.send(str(said).replace('"feed":"ok"', f'"feed":"{feed[-1]}"'))
        )

    screen.page.route_web_socket("**/api/live", between)
    screen.sign_in()
    expect(screen.page.get_by_role("alert")).to_contain_text("实时流停滞")
    expect(screen.lines).to_have_count(len(matters))
    feed.append("ok")
    expect(screen.page.get_by_role("alert")).to_be_hidden()
