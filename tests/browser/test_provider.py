"""Signing in at an outside provider, in a real browser: there, and back onto the board."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.providers import Certified, configured
from tests.api.staff import hire
from tests.instance import ROOT, Database, Instance, free_port, settings_for

pytestmark = pytest.mark.browser


@pytest.fixture
def place(city_database: Database, tmp_path: Path) -> Iterator[tuple[Instance, Certified]]:
    """A Muster with its page, and the certified provider."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    provider = Certified(free_port(), f"{here}/api/oidc/callback")
    configured(tmp_path / "data", here, {"city": provider.issuer})
    web = str(ROOT / "web" / "dist")
    settings = settings_for(city_database, tmp_path / "data", port=port, web=web)
    server = Instance(settings, tmp_path / "server.log")
    provider.start()
    server.start()
    yield server, provider
    server.stop()
    provider.stop()


def there_and_back(page: Page, server: Instance, login: str) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="用示例统一认证登录").click()
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill("invented-example")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()


def test_from_the_button_to_the_board(page: Page, place: tuple[Instance, Certified]) -> None:
    server, _ = place
    _, keeper = hire(server, ("administrator", "zs"))
    _, second = hire(server, ("duty_chief", "zs"))
    person, _ = hire(server, ("dispatcher", "zs"))
    body = {"provider": "city", "subject": "omega"}
    waits = keeper.do(f"/api/people/{person}/identities", body)
    second.do(f"/api/trust-requests/{waits['id']}/confirm")
    there_and_back(page, server, "omega")
    expect(page.get_by_text("现在没有未结警情")).to_be_visible()
    page.reload()
    expect(page.get_by_text("现在没有未结警情")).to_be_visible()


def test_who_is_not_bound_is_told_so(page: Page, place: tuple[Instance, Certified]) -> None:
    server, _ = place
    there_and_back(page, server, "nobody-here")
    expect(page.get_by_role("heading")).to_contain_text("未能登录")
    expect(page.locator("main")).to_contain_text("nobody-here")
    page.get_by_role("link", name="返回登录页").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
