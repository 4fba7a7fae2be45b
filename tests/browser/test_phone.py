"""The same board on a phone: one pane at a time, nothing wider than the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.screen import Screen

pytestmark = pytest.mark.browser
SMALL: ViewportSize = {"width": 390, "height": 844}
#: What a finger needs, in CSS pixels.
FINGER = 48


def test_the_panes_are_tabs_and_nothing_scrolls_sideways(
    screen: Screen, matters: dict[str, str]
) -> None:
    screen.page.set_viewport_size(SMALL)
    screen.visit()
    screen.expect_no_sideways()
    screen.sign_in()
    expect(screen.lines).to_have_count(3)
    screen.expect_no_sideways()
    tabs = screen.page.get_by_role("navigation", name="页面")
    for tab in tabs.get_by_role("button").all():
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        screen.expect_no_sideways()
        box = tab.bounding_box()
        assert box is not None and box["height"] >= FINGER
    tabs.get_by_role("button", name="地图").click()
    expect(screen.chart).to_have_attribute("data-incidents", "3")
    tabs.get_by_role("button", name="警情").click()
    screen.line(matters["grave"]).click()
    expect(screen.journal).to_have_count(1)
    expect(screen.lines.first).to_be_hidden()
    screen.expect_no_sideways()
    screen.page.go_back()
    expect(screen.lines.first).to_be_visible()


def test_intake_fits_and_the_map_tab_gives_the_place(screen: Screen) -> None:
    screen.page.set_viewport_size(SMALL)
    screen.sign_in("call_taker")
    screen.page.get_by_role("button", name="接警", exact=True).click()
    expect(screen.intake).to_be_visible()
    screen.expect_no_sideways()
    screen.page.get_by_role("navigation").get_by_role("button", name="地图").click()
    expect(screen.chart).to_have_attribute("data-drawn", "yes")
    screen.chart.click()
    expect(screen.intake.get_by_text("°N")).to_be_visible()
