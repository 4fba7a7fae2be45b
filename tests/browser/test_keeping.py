"""A duty chief seals a record and restricts one, by keyboard, from the matter itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.screen import Screen
from tests.browser.test_access import cancelled
from tests.stories.desk import signed_in

__all__ = ["cancelled"]

pytestmark = pytest.mark.browser


def test_a_chief_restricts_and_seals_with_a_reason(screen: Screen, cancelled: str) -> None:
    screen.sign_in("duty_chief", f"/#matter={cancelled}&tab=matter")
    fold = screen.matter.get_by_role("button", name="保存、封存与限制")
    fold.focus()
    screen.press("Enter")
    restrict = screen.matter.get_by_role("button", name="限制处理")
    expect(restrict).to_be_disabled()
    screen.matter.get_by_label("理由").fill("示例：本人提出异议")
    screen.matter.get_by_label("依据").fill("个人信息保护法第四十四条")
    restrict.focus()
    screen.press("Enter")
    expect(screen.matter.get_by_role("button", name="解除限制")).to_be_visible()
    seal = screen.matter.get_by_role("button", name="封存", exact=True)
    seal.focus()
    screen.press("Enter")
    screen.visit("/#page=retention")
    screen.page.get_by_role("button", name="封存", exact=True).click()
    expect(screen.page.get_by_text("个人信息保护法第四十四条")).to_be_visible()
    dispatcher = signed_in(screen.server, "dispatcher")
    assert dispatcher.ask(f"/api/incidents/{cancelled}").code == "matter.unknown"
