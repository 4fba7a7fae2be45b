"""What people see of their sign-in: a password being chosen, what was changed, what was refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import Screen
from tests.browser.test_security import open_security, part
from tests.instance import PASSWORD
from tests.stories.desk import Person, signed_in

pytestmark = pytest.mark.browser

TOLD = "登录变动"


def test_a_password_is_shown_hidden_and_judged_while_it_is_typed(screen: Screen) -> None:
    screen.sign_in("dispatcher")
    open_security(screen)
    form = part(screen, "改密码")
    fresh = form.get_by_label("新密码", exact=True)
    expect(form).to_contain_text("至少 12 个字符")
    fresh.press_sequentially("short")
    expect(form).to_contain_text(re.compile("密码.*12"))
    fresh.fill("Password2026!!")
    expect(form).to_contain_text("太常见")
    fresh.fill("示例几个不相干的词语拼起来")
    expect(form).to_contain_text("13 个字符，可以用")
    expect(fresh).to_have_attribute("type", "password")
    screen.press("Tab")
    screen.press("Enter")
    expect(fresh).to_have_attribute("type", "text")
    expect(form.get_by_role("button", name="隐藏")).to_be_focused()


def test_the_first_administrator_is_told_while_choosing(page: Page, first_link: str) -> None:
    page.goto(first_link)
    page.get_by_label("用户名").fill("boss-of-muster")
    page.get_by_label("密码", exact=True).fill("boss-of-muster")
    expect(page.locator(".password-said")).to_contain_text("用户名")
    page.get_by_label("密码", exact=True).fill("a few words of mine")
    expect(page.locator(".password-said")).to_contain_text("可以用")


def test_a_change_elsewhere_is_told_here_until_it_is_read(screen: Screen) -> None:
    elsewhere = signed_in(screen.server, "dispatcher")
    screen.sign_in("dispatcher")
    expect(screen.page.get_by_role("alert", name=TOLD)).to_have_count(0)
    said = elsewhere.do("/api/session/password", {"old": PASSWORD, "new": "chosen-elsewhere-1"})
    elsewhere.headers["X-CSRF-Token"] = said["csrf"]
    # The other session ended with it: whoever signs in next is told.
    screen.visit()
    screen.fill_sign_in("dispatcher", "chosen-elsewhere-1")
    told = screen.page.get_by_role("alert", name=TOLD)
    expect(told).to_contain_text("密码已更改")
    expect(told).to_contain_text("由你本人，在另一处")
    expect(told).to_contain_text("不是你？")
    told.get_by_role("button", name="知道了").focus()
    screen.press("Enter")
    expect(told).to_have_count(0)
    screen.visit()
    expect(screen.page.get_by_role("heading", name="集结")).to_be_visible()
    expect(told).to_have_count(0)


def test_an_administrator_asks_for_a_reset_and_another_sees_it(screen: Screen) -> None:
    screen.sign_in("administrator")
    open_security(screen)
    form = part(screen, "申请重设")
    form.get_by_label("为谁（用户名）").fill("nobody-here")
    expect(form).to_contain_text("没有这个用户名")
    expect(form.get_by_role("button", name="申请重设")).to_be_disabled()
    form.get_by_label("为谁（用户名）").fill("dispatcher")
    expect(form).to_contain_text("示例派警员")
    form.get_by_label("理由").fill("示例：本人忘记")
    screen.press("Enter")
    expect(part(screen, "待第二人确认的重设")).to_contain_text("示例：本人忘记")
    expect(form.get_by_label("理由")).to_have_value("")
    waiting = signed_in(screen.server, "duty-chief").get("/api/resets")["items"]
    assert [one["reason"] for one in waiting] == ["示例：本人忘记"]


def test_the_auditor_reads_what_was_refused(screen: Screen) -> None:
    assert Person(screen.server.url, "dispatcher").sign_in("wrong-example").code
    screen.page.set_viewport_size({"width": 390, "height": 844})
    screen.visit("/#page=security")
    screen.fill_sign_in(*screen.server.accounts["auditor"])
    rows = part(screen, "拒绝记录")
    expect(rows).to_contain_text("用户名或密码不对")
    screen.expect_no_sideways()
    rows.get_by_label("种类").select_option("token")
    expect(rows).to_contain_text("没有记录")
