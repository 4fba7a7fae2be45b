"""The page in a tester's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.instance import Instance


@dataclass
class Screen:
    """One page of one server. Text is Chinese unless the test switched the language."""

    page: Page
    server: Instance

    def visit(self, path: str = "/") -> None:
        self.page.goto(self.server.url + path)

    def fill_sign_in(self, username: str, password: str) -> None:
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("button", name="登录", exact=True).click()

    def sign_in(self, role: str = "dispatcher", path: str = "/") -> None:
        """Through the sign-in page to the board."""
        self.visit(path)
        self.fill_sign_in(*self.server.accounts[role])
        expect(self.page.get_by_role("heading", name="集结")).to_be_visible()

    @property
    def lines(self) -> Locator:
        """The matters of the list, as they stand from top to bottom."""
        return self.page.get_by_role("listbox", name="未结警情").get_by_role("option")

    def line(self, matter: str) -> Locator:
        return self.page.locator(f"[id='matter-{matter}']")

    @property
    def chart(self) -> Locator:
        return self.page.get_by_test_id("chart")

    @property
    def matter(self) -> Locator:
        """The panel of the open matter."""
        return self.page.get_by_role("region", name="这件事")

    @property
    def journal(self) -> Locator:
        return self.matter.get_by_role("region", name="日志").get_by_role("listitem")

    @property
    def intake(self) -> Locator:
        return self.page.get_by_role("region", name="接警单")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def expect_board(self, count: int) -> None:
        """The board has its matters, and the map has drawn them."""
        expect(self.lines).to_have_count(count)
        expect(self.chart).to_have_attribute("data-drawn", "yes")
        expect(self.chart).to_have_attribute("data-incidents", str(count))

    def expect_no_sideways(self) -> None:
        """Nothing is wider than the screen."""
        width = "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
        page, body, screen = self.page.evaluate(width)
        assert page <= screen and body <= screen, (page, body, screen)

    def expect_open(self, words: str) -> None:
        expect(self.matter.get_by_role("heading", name=re.compile(words))).to_be_visible()
