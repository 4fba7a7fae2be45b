"""Getting in, staying in, getting out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_a_wrong_password_says_what_to_do_and_a_right_one_opens_the_board(screen: Screen) -> None:
    username, password = screen.server.accounts["dispatcher"]
    screen.visit()
    screen.fill_sign_in(username, password + "x")
    expect(screen.page.get_by_role("alert")).to_contain_text("用户名或密码不对")
    screen.fill_sign_in(username, password)
    expect(screen.page.get_by_role("heading", name="集结")).to_be_visible()
    expect(screen.page.get_by_text("现在没有未结警情")).to_be_visible()
    expect(screen.page.get_by_text("接警：")).to_contain_text("F2")


def test_signing_out_leads_back_to_the_door(screen: Screen) -> None:
    screen.sign_in("duty_chief")
    screen.page.get_by_label("我的菜单").click()
    screen.page.get_by_role("button", name="退出登录").click()
    expect(screen.page.get_by_role("heading", name="登录")).to_be_visible()
    screen.visit()
    expect(screen.page.get_by_role("heading", name="登录")).to_be_visible()


def test_an_expired_session_asks_again_and_keeps_what_was_being_written(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.sign_in()
    screen.line(matters["grave"]).click()
    screen.matter.get_by_role("button", name="备注").click()
    field = screen.matter.get_by_label("知道了什么新情况？")
    field.fill("示例：写到一半")
    screen.page.context.clear_cookies()
    screen.press("Control+Enter")
    expect(screen.page.get_by_role("heading", name="登录已过期")).to_be_visible()
    expect(screen.matter).to_be_hidden()
    screen.page.get_by_label("密码").fill(screen.server.accounts["dispatcher"][1])
    screen.press("Enter")
    expect(field).to_have_value("示例：写到一半")
    field.press("Control+Enter")
    expect(screen.journal.filter(has_text="示例：写到一半")).to_be_visible()


def test_the_one_time_link_is_explained_when_it_is_incomplete_or_used(screen: Screen) -> None:
    screen.visit("/first")
    expect(screen.page.get_by_text("链接不完整")).to_be_visible()
    screen.visit("/first?token=invented-and-unknown-token-000000000000")
    screen.page.get_by_label("姓名").fill("示例管理员")
    screen.page.get_by_label("用户名").fill("example-first")
    screen.page.get_by_label("密码", exact=True).fill("invented-example-1")
    screen.page.get_by_label("再输一次密码").fill("invented-example-2")
    screen.page.get_by_role("button", name="建立管理员").click()
    expect(screen.page.get_by_role("alert")).to_contain_text("两次输入的密码不一样")
    screen.page.get_by_label("再输一次密码").fill("invented-example-1")
    screen.page.get_by_role("button", name="建立管理员").click()
    expect(screen.page.get_by_role("alert")).to_contain_text("链接")


def test_the_first_administrator_is_made_by_the_one_time_link(page: Page, first_link: str) -> None:
    page.goto(first_link)
    page.get_by_label("姓名").fill("示例管理员")
    page.get_by_label("用户名").fill("example-first")
    page.get_by_label("密码", exact=True).fill("invented-example-1")
    page.get_by_label("再输一次密码").fill("invented-example-1")
    page.get_by_role("button", name="建立管理员").click()
    expect(page.get_by_text("管理员已建立")).to_be_visible()
    page.get_by_role("link", name="进入集结").click()
    expect(page.get_by_role("heading", name="集结")).to_be_visible()
    page.goto(first_link)
    page.get_by_label("姓名").fill("示例另一人")
    page.get_by_label("用户名").fill("example-second")
    page.get_by_label("密码", exact=True).fill("invented-example-2")
    page.get_by_label("再输一次密码").fill("invented-example-2")
    page.get_by_role("button", name="建立管理员").click()
    expect(page.get_by_role("alert")).to_contain_text("链接")
