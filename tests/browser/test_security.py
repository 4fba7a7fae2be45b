"""Second factor, proving again, policies and the hand-over of a desk, as people do them."""

from __future__ import annotations

import re
from datetime import timedelta

import psycopg
import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from muster.journal.clock import real_now
from tests.browser.screen import Screen
from tests.instance import PASSWORD, Instance
from tests.stories.desk import Person, signed_in

pytestmark = pytest.mark.browser


def later(server: Instance, username: str) -> None:
    """As if the person had signed in ten minutes ago, and codes of the app had passed since."""
    with psycopg.connect(server.settings.app_dsn) as connection:
        connection.execute(
            "UPDATE session s SET proven_at = %s FROM person p"
            " WHERE p.id = s.person AND p.username = %s",
            (real_now() - timedelta(minutes=10), username),
        )
        connection.execute("UPDATE second_factor SET last_step = 0")


def part(screen: Screen, name: str) -> Locator:
    return screen.page.get_by_role("region", name=name)


def open_security(screen: Screen) -> None:
    screen.page.get_by_label("我的菜单").click()
    screen.page.get_by_role("button", name="我的登录").click()
    expect(screen.page.get_by_role("heading", name="我的登录")).to_be_visible()


def enrol(screen: Screen) -> tuple[pyotp.TOTP, list[str]]:
    page = screen.page
    expect(page.get_by_alt_text("用验证器应用扫这个二维码")).to_be_visible()
    totp = pyotp.TOTP(page.locator(".enrol-secret code").inner_text().replace(" ", ""))
    page.get_by_label("6 位验证码").fill(totp.now())
    page.get_by_role("button", name="完成绑定").click()
    expect(page.locator(".codes-list li")).to_have_count(10)
    return totp, page.locator(".codes-list li").all_inner_texts()


def test_enrolling_an_app_and_signing_in_with_it(screen: Screen) -> None:
    page, (username, password) = screen.page, screen.server.accounts["dispatcher"]
    screen.sign_in("dispatcher")
    open_security(screen)
    part(screen, "第二因素").get_by_role("button", name="绑定验证器").click()
    totp, codes = enrol(screen)
    page.get_by_role("button", name="我已存好").click()
    expect(part(screen, "第二因素")).to_contain_text("恢复码还剩 10 个")
    page.get_by_role("button", name="回到总览").click()
    page.get_by_label("我的菜单").click()
    page.get_by_role("button", name="退出登录").click()
    later(screen.server, username)

    screen.fill_sign_in(username, password)
    expect(page.get_by_role("heading", name="输入验证码")).to_be_visible()
    page.keyboard.type("000000")
    screen.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("验证码不对")
    page.keyboard.type(totp.now())
    screen.press("Enter")
    expect(page.get_by_role("heading", name="集结")).to_be_visible()
    page.get_by_label("我的菜单").click()
    page.get_by_role("button", name="退出登录").click()
    screen.fill_sign_in(username, password)
    page.get_by_label("6 位验证码，或一个恢复码").fill(codes[0].lower())
    screen.press("Enter")
    expect(page.get_by_role("heading", name="集结")).to_be_visible()


def test_something_sensitive_asks_who_is_there_and_then_goes_on(screen: Screen) -> None:
    page, (username, password) = screen.page, screen.server.accounts["dispatcher"]
    screen.sign_in("dispatcher")
    open_security(screen)
    later(screen.server, username)
    part(screen, "第二因素").get_by_role("button", name="绑定验证器").click()
    dialog = page.get_by_role("dialog", name="再次确认是你")
    expect(dialog).to_be_visible()
    screen.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("再次确认")
    part(screen, "第二因素").get_by_role("button", name="绑定验证器").click()
    expect(dialog.get_by_label("密码")).to_be_focused()
    page.keyboard.type("wrong-example")
    screen.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("密码不对")
    dialog.get_by_label("密码").fill(password)
    screen.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_alt_text("用验证器应用扫这个二维码")).to_be_visible()


def test_who_must_enrol_is_led_to_it(screen: Screen) -> None:
    admin = signed_in(screen.server, "administrator")
    wanted = {"factor_roles": ["dispatcher"], "reason": "示例"}
    admin.do("/api/organisations/zs/policy", wanted)
    screen.visit()
    screen.fill_sign_in(*screen.server.accounts["dispatcher"])
    expect(screen.page.get_by_role("heading", name="请绑定验证器")).to_be_visible()
    enrol(screen)
    screen.page.get_by_role("button", name="我已存好").click()
    expect(screen.page.get_by_role("heading", name="集结")).to_be_visible()


def test_a_password_somebody_else_has_seen_is_changed_first(screen: Screen) -> None:
    admin = signed_in(screen.server, "administrator")
    person = next(
        one
        for one in admin.get("/api/people?limit=500")["items"]
        if one["username"] == "dispatcher"
    )
    asked = {"what": "password", "reason": "示例：本人忘记"}
    admin.do(f"/api/people/{person['id']}/resets", asked)
    page = screen.page
    screen.sign_in("duty_chief")
    open_security(screen)
    part(screen, "待第二人确认的重设").get_by_role("button", name="确认重设").click()
    fresh = part(screen, "待第二人确认的重设").locator("code").inner_text()
    page.get_by_role("button", name="回到总览").click()
    page.get_by_label("我的菜单").click()
    page.get_by_role("button", name="退出登录").click()
    screen.fill_sign_in("dispatcher", fresh)
    expect(page.get_by_role("heading", name="请换一个密码")).to_be_visible()
    page.get_by_label("现在的密码").fill(fresh)
    page.get_by_label("新密码", exact=True).fill("example-of-my-own")
    page.get_by_label("再输一次新密码").fill("example-of-my-own")
    screen.press("Enter")
    expect(page.get_by_role("heading", name="集结")).to_be_visible()


def test_own_sessions_are_listed_and_ended(screen: Screen) -> None:
    other = signed_in(screen.server, "dispatcher")
    screen.sign_in("dispatcher")
    open_security(screen)
    rows = part(screen, "登录在哪里").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="本机")).to_contain_text("Linux")
    rows.get_by_role("button", name="结束").click()
    expect(rows).to_have_count(1)
    assert other.ask("/api/session").status == 401


def test_an_administrator_changes_a_policy(screen: Screen) -> None:
    screen.sign_in("administrator")
    open_security(screen)
    table = part(screen, "登录策略")
    row = table.get_by_role("row").filter(has_text="普陀").first
    row.get_by_role("button", name="更改").click()
    table.get_by_label("密码最短（字符）").fill("16")
    table.get_by_label("值班长").check()
    table.get_by_label("理由").fill("示例：收紧")
    screen.press("Enter")
    expect(screen.page.get_by_text("策略已改")).to_be_visible()
    expect(row).to_contain_text(re.compile("16.*值班长"))


def test_a_desk_is_handed_over_and_keeps_its_place(screen: Screen, matters: dict[str, str]) -> None:
    page = screen.page
    screen.sign_in("dispatcher")
    screen.press("F2")
    screen.intake.get_by_label("报警内容").fill("示例：写到一半的接警单")
    screen.press("Escape")
    screen.line(matters["grave"]).click()
    page.get_by_label("我的菜单").click()
    page.get_by_role("button", name="交接班").click()
    dialog = page.get_by_role("dialog", name="交接班")
    expect(dialog.get_by_label("用户名")).to_be_focused()
    page.keyboard.type("duty-chief")
    screen.press("Tab")
    page.keyboard.type(PASSWORD)
    dialog.get_by_label("席位").fill("示例 3 号台")
    dialog.get_by_label("交代给接班人的话").fill("示例：渔港一件等海事回话")
    dialog.get_by_role("button", name="接班").click()
    told = page.get_by_role("dialog", name=re.compile("交班给你"))
    expect(told).to_contain_text("渔港一件等海事回话")
    expect(told).to_contain_text("未结警情 3 件")
    screen.press("Enter")
    expect(told).to_be_hidden()
    expect(screen.matter).to_be_visible()
    assert matters["grave"] in page.url
    page.get_by_label("我的菜单").click()
    expect(page.get_by_text("值班长 duty chief").first).to_be_visible()
    screen.press("Escape")
    page.get_by_label("我的菜单").click()
    screen.press("F2")
    expect(screen.intake.get_by_label("报警内容")).to_have_value("示例：写到一半的接警单")
    expect(screen.intake).to_contain_text("交班时没有发出的")


def test_the_page_fits_a_phone_and_speaks_english(page: Page, screen: Screen) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    screen.visit("/#page=security")
    screen.fill_sign_in(*screen.server.accounts["administrator"])
    expect(part(screen, "登录策略")).to_be_visible()
    screen.expect_no_sideways()


def wanted_chief(screen: Screen) -> str:
    """An account that an administrator made alone, and for which a role of trust waits."""
    admin = signed_in(screen.server, "administrator")
    made = {
        "name": "示例新值班长",
        "username": "new-chief",
        "organisation": "pt",
        "password": PASSWORD,
    }
    person = admin.do("/api/people", made)["id"]
    grant = {"role": "duty_chief", "organisation": "pt", "reason": "示例：轮岗"}
    admin.do(f"/api/people/{person}/grants", grant)
    return str(person)


TRUST = "待第二人确认的要职与绑定"


def test_the_second_person_confirms_by_keyboard_and_hands_a_password_over(screen: Screen) -> None:
    wanted_chief(screen)
    screen.sign_in("duty_chief")
    open_security(screen)
    row = part(screen, TRUST).get_by_role("listitem")
    expect(row).to_contain_text("示例新值班长")
    expect(row).to_contain_text("普陀")
    expect(row).to_contain_text("示例：轮岗")
    expect(row).to_contain_text("当面交给本人")
    row.get_by_role("button", name="确认").first.focus()
    screen.press("Enter")
    fresh = part(screen, TRUST).locator("code").inner_text()
    expect(part(screen, TRUST).get_by_role("listitem")).to_have_count(0)
    newcomer = Person(screen.server.url, "new-chief")
    assert newcomer.sign_in(PASSWORD).code == "sign_in.failed"
    assert newcomer.sign_in(fresh).body["needs"] == "password"


def test_who_asked_sees_it_wait_and_takes_it_back(screen: Screen) -> None:
    wanted_chief(screen)
    screen.sign_in("administrator")
    open_security(screen)
    row = part(screen, TRUST).get_by_role("listitem")
    expect(row).to_contain_text("须由另一人确认")
    expect(row.get_by_role("button", name="确认", exact=True)).to_have_count(0)
    row.get_by_role("button", name="撤回").focus()
    screen.press("Enter")
    expect(part(screen, TRUST)).to_contain_text("没有待确认的")


def test_whom_it_is_about_sees_it_and_may_refuse(screen: Screen) -> None:
    person = next(
        one["id"]
        for one in signed_in(screen.server, "administrator").get("/api/people?limit=500")["items"]
        if one["username"] == "dispatcher"
    )
    grant = {"role": "auditor", "organisation": "zs", "reason": "示例"}
    signed_in(screen.server, "administrator").do(f"/api/people/{person}/grants", grant)
    screen.page.set_viewport_size({"width": 390, "height": 844})
    screen.visit("/#page=security")
    screen.fill_sign_in(*screen.server.accounts["dispatcher"])
    expect(part(screen, TRUST)).to_contain_text("关于你本人")
    screen.expect_no_sideways()
    part(screen, TRUST).get_by_role("button", name="不予").focus()
    screen.press("Enter")
    expect(part(screen, TRUST)).to_have_count(0)
