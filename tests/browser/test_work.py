"""Working by keyboard: a call is taken, a unit is sent, the matter is closed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import UNITS
from tests.browser.screen import Screen
from tests.stories.desk import on_duty, signed_in

pytestmark = pytest.mark.browser


def test_a_call_is_taken_without_touching_the_mouse(screen: Screen) -> None:
    screen.sign_in("call_taker")
    expect(screen.page.get_by_text("现在没有未结警情")).to_be_visible()
    screen.press("F2")
    expect(screen.intake.get_by_label("地点")).to_be_focused()
    screen.press("Control+Enter")
    expect(screen.intake.get_by_text("请选一个类别")).to_be_visible()
    screen.page.keyboard.type("沈家门")
    expect(screen.page.get_by_text("Shenjiamen", exact=True)).to_be_visible()
    screen.press("Enter")
    expect(screen.intake.get_by_text("29.9576°N 122.2980°E")).to_be_visible()
    screen.press("Tab")
    expect(screen.intake.get_by_label("类别")).to_be_focused()
    screen.page.keyboard.type("盗窃")
    expect(screen.page.get_by_title("盗窃").first).to_be_visible()
    screen.press("Enter")
    screen.intake.get_by_label("报警内容").focus()
    screen.page.keyboard.type("示例：摩托车不见了")
    screen.press("Tab")
    screen.page.keyboard.type("示例甲")
    screen.press("Control+Enter")
    screen.expect_open("盗窃")
    expect(screen.journal.first).to_contain_text("示例：摩托车不见了")
    expect(screen.lines).to_have_count(1)
    expect(screen.lines.first).to_contain_text("待派")
    screen.press("F2")
    expect(screen.intake.get_by_label("报警内容")).to_have_value("")


def test_a_press_on_the_map_sets_the_place(screen: Screen) -> None:
    screen.sign_in("call_taker")
    expect(screen.chart).to_have_attribute("data-drawn", "yes")
    screen.press("F2")
    expect(screen.page.get_by_text("在地图上点一下，作为警情地点")).to_be_visible()
    screen.chart.click()
    expect(screen.intake.get_by_text("°N")).to_be_visible()


def test_the_first_unit_is_sent_with_two_keys(screen: Screen, matters: dict[str, str]) -> None:
    screen.sign_in()
    screen.expect_board(3)
    screen.press("ArrowDown", "Enter")
    expect(screen.matter.get_by_role("button", name="派警")).to_be_visible()
    screen.press("d")
    ranking = screen.matter.get_by_role("region", name="派谁去").get_by_role("listitem")
    expect(ranking).to_have_count(len(UNITS))
    expect(ranking.first.get_by_role("button")).to_be_focused()
    first = ranking.first.locator("b").first.inner_text()
    screen.press("Enter")
    expect(screen.line(matters["grave"])).to_contain_text("待签收")
    orders = screen.matter.get_by_role("region", name="派警单")
    expect(orders).to_contain_text(first)
    expect(screen.journal.last).to_contain_text("派警")
    expect(screen.page.get_by_text(f"已派 {first}")).to_be_visible()


def test_a_digit_sends_that_unit(screen: Screen, matters: dict[str, str]) -> None:
    screen.sign_in(path=f"/#matter={matters['minor']}")
    expect(screen.matter.get_by_role("button", name="派警")).to_be_visible()
    screen.press("d")
    ranking = screen.matter.get_by_role("region", name="派谁去").get_by_role("listitem")
    second = ranking.nth(1).locator("b").first.inner_text()
    expect(ranking.first.get_by_role("button")).to_be_focused()
    screen.press("2")
    expect(screen.matter.get_by_role("region", name="派警单")).to_contain_text(second)


def test_feedback_is_returned_then_accepted_and_the_caller_called_back(
    screen: Screen, matters: dict[str, str]
) -> None:
    where = f"/api/incidents/{matters['grave']}"
    officer, desk = on_duty(screen.server, UNITS[0]), signed_in(screen.server, "dispatcher")
    order = matters["grave"]
    desk.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": UNITS[0]}]})
    for step in ("deliver", "sign", "set_out", "arrive", "handle"):
        officer.do(f"{where}/orders/{order}/{step}", {"at": datetime.now(UTC)})
    found = {"result": "handled", "final": True, "narrative": "示例：已救起"}
    officer.do(f"{where}/feed_back", found)

    screen.sign_in("duty_chief", path=f"/#matter={matters['grave']}")
    screen.matter.get_by_role("button", name="退回反馈").click()
    screen.matter.get_by_label("为什么退回？").fill("示例：缺人数")
    screen.press("Control+Enter")
    expect(screen.journal.last).to_contain_text("示例：缺人数")
    officer.do(f"{where}/feed_back", {**found, "rescued": 1})
    officer.do(f"{where}/orders/{order}/finish", {"at": datetime.now(UTC)})
    expect(screen.journal.filter(has_text="救助 1")).to_be_visible()
    screen.matter.get_by_role("button", name="办结", exact=True).click()
    screen.press("Enter")
    expect(screen.lines).to_have_count(2)
    screen.matter.get_by_role("button", name="回访", exact=True).click()
    screen.matter.get_by_label("满意", exact=True).check()
    screen.matter.get_by_role("button", name="确认回访").click()
    expect(screen.journal.last).to_contain_text("满意")
