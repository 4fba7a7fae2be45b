"""Who looked: people are masked until asked for, and the auditor sees it. By keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.screen import Screen
from tests.stories.desk import signed_in

pytestmark = pytest.mark.browser

PHONE, MASKED = "199-0000-0001", "199********01"


@pytest.fixture
def cancelled(screen: Screen, matters: dict[str, str]) -> str:
    """A matter that is over: nobody's work any more."""
    chief, matter = signed_in(screen.server, "duty-chief"), matters["minor"]
    taker = signed_in(screen.server, "call-taker")
    path = f"/api/incidents/{matter}"
    taker.do(f"{path}/request_cancel", {"kind": "invalid", "reason": "示例：误拨"})
    chief.do(f"{path}/confirm_cancel")
    return matter


def test_people_of_what_is_over_are_shown_when_asked_for(screen: Screen, cancelled: str) -> None:
    screen.sign_in("dispatcher", f"/#matter={cancelled}&tab=matter")
    expect(screen.matter).to_contain_text(MASKED)
    expect(screen.matter).to_contain_text("无在办事由 · 已记录")
    expect(screen.journal.first).to_contain_text(MASKED)
    show = screen.matter.get_by_role("button", name="显示")
    show.focus()
    screen.press("Enter")
    expect(screen.matter).to_contain_text(PHONE)
    expect(screen.journal.first).to_contain_text(PHONE)
    expect(show).to_have_count(0)


def test_a_desk_sees_who_called_without_asking(screen: Screen, matters: dict[str, str]) -> None:
    screen.sign_in("dispatcher", f"/#matter={matters['grave']}&tab=matter")
    expect(screen.matter).to_contain_text(PHONE)
    expect(screen.matter).to_contain_text("本辖区在办 · 已记录")
    expect(screen.matter.get_by_role("button", name="显示")).to_have_count(0)


def test_the_auditor_reads_filters_and_is_written_down(screen: Screen, cancelled: str) -> None:
    dispatcher = signed_in(screen.server, "dispatcher")
    dispatcher.do(f"/api/incidents/{cancelled}/unmask")
    screen.sign_in("auditor", "/")
    screen.visit("/#page=access")
    rows = screen.page.get_by_role("row")
    expect(rows.filter(has_text="显示个人信息")).to_have_count(1)
    screen.page.get_by_label("全部结果").select_option("masked")
    expect(rows.filter(has_text="显示个人信息")).to_have_count(0)
    screen.page.get_by_role("button", name="清除筛选").click()
    expect(rows.filter(has_text="看查阅日志").first).to_be_visible()
    screen.page.get_by_role("button", name="疑似不当").click()
    finding = screen.page.get_by_role("listitem").filter(has_text="无在办事由，显示了 1 次")
    expect(finding).to_be_visible()
    finding.get_by_role("button", name="看这些记录").click()
    expect(screen.page.get_by_label("人员编号")).to_have_value("demo-dispatcher")
    expect(rows.filter(has_text="显示个人信息")).to_have_count(1)
    with screen.page.expect_download() as fetched:
        screen.page.get_by_role("button", name="导出 CSV").click()
    text = fetched.value.path().read_text(encoding="utf-8-sig")
    assert "caller.unmasked" in text and PHONE not in text
    screen.page.get_by_role("button", name="抽查").click()
    expect(screen.page.get_by_text("还没有抽中的查阅")).to_be_visible()
