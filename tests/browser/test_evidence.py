"""A duty chief corrects a caller and keeps a unit's track, from the matter itself, by keyboard."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.api.staff import hire
from tests.browser.conftest import PATIENCE_MS, UNITS
from tests.browser.screen import Screen
from tests.instance import PASSWORD, ROOT, Database, Instance, free_port, settings_for
from tests.stories.desk import call, on_duty, signed_in

pytestmark = pytest.mark.browser

START = datetime(2026, 11, 23, 3, 0, 20, tzinfo=UTC)
LAW = "示例：个人信息保护法第四十六条"


@pytest.fixture
def driven(page: Page, city_database: Database, tmp_path: Path) -> Iterator[Screen]:
    """A page of a server whose clock the test moves: minutes are sealed when they have passed."""
    settings = settings_for(
        city_database,
        tmp_path / "data",
        port=free_port(),
        web=str(ROOT / "web" / "dist"),
        clock="driven",
        clock_start=START,
    )
    instance = Instance(settings, tmp_path / "server.log")
    instance.start()
    page.set_default_timeout(PATIENCE_MS)
    yield Screen(page, instance)
    instance.stop()


def handled(server: Instance) -> str:
    """A matter whose unit drove there for four minutes and reported every twenty seconds."""
    matter, order, unit = str(uuid4()), str(uuid4()), UNITS[0]
    _, simulator = hire(server, ("simulator", "zs"))
    officer, dispatcher = on_duty(server, unit), signed_in(server, "dispatcher")
    times = {"reported_at": START, "answered_at": START, "call_ended_at": START}
    signed_in(server, "call-taker").do("/api/incidents", call(matter, **times))
    where, now = f"/api/incidents/{matter}", START
    dispatcher.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": unit}]})
    officer.do(f"{where}/orders/{order}/sign", {"at": now})
    for step in range(12):
        now += timedelta(seconds=20)
        simulator.do("/api/simulation/clock", {"now": now})
        fix = {"lon": 122.3 + step / 1000, "lat": 29.94, "at": now, "speed_kmh": 36.0}
        officer.do("/api/positions", {"unit": unit, "fixes": [fix]})
    officer.do(f"{where}/orders/{order}/arrive", {"at": now})
    officer.do(f"{where}/orders/{order}/finish", {"at": now})
    until(server, "SELECT count(*) = 12 FROM position")
    simulator.do("/api/simulation/clock", {"now": now + timedelta(minutes=2)})
    until(server, "SELECT sum(rows) = 12 FROM position_segment")
    return matter


def until(server: Instance, question: str) -> None:
    """What is reported is written and sealed by a thread of the server."""
    with psycopg.connect(server.settings.app_dsn, autocommit=True) as connection:
        for _ in range(600):
            found = connection.execute(question.encode()).fetchone()
            if found and found[0]:
                return
            time.sleep(0.1)
    raise AssertionError(question)


def picture(screen: Screen, name: str) -> None:
    """For whoever wants to look: PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        for scheme in ("light", "dark"):
            screen.page.emulate_media(color_scheme=scheme)
            screen.page.screenshot(path=str(Path(folder) / f"{name}-{scheme}.png"))


def test_a_chief_corrects_a_caller_and_keeps_a_track(driven: Screen) -> None:
    matter = handled(driven.server)
    _, chief = hire(driven.server, ("duty_chief", "zs"))
    driven.visit(f"/#matter={matter}&tab=matter")
    driven.fill_sign_in(chief.username, PASSWORD)
    fold = driven.matter.get_by_role("button", name="保存、封存与限制")
    fold.focus()
    driven.press("Enter")
    correct(driven)
    keep(driven)
    for width, name in ((1440, "wide"), (390, "phone")):
        driven.page.set_viewport_size({"width": width, "height": 900})
        driven.matter.locator("summary").first.scroll_into_view_if_needed()
        driven.expect_no_sideways()
        picture(driven, name)
    seen = chief.do(f"/api/incidents/{matter}/unmask", {})["caller"]
    assert (seen["name"], seen["phone"]) == ("示例-更正后", "199-0000-0001")


def correct(screen: Screen) -> None:
    screen.matter.locator("summary", has_text="更正报警人信息").click()
    form = screen.matter.get_by_role("form", name="更正报警人信息")
    button = form.get_by_role("button", name="更正报警人信息")
    form.get_by_label("正确的姓名").fill("示例-更正后")
    expect(button).to_be_disabled()
    form.get_by_label("理由").fill("示例：本人来电更正")
    form.get_by_label("依据").fill(LAW)
    button.focus()
    screen.press("Enter")
    expect(screen.matter.get_by_text(f"更正 姓名 · {LAW}")).to_be_visible()
    expect(screen.matter.get_by_text("报警人信息已更正")).to_be_visible()


def keep(screen: Screen) -> None:
    screen.matter.locator("summary", has_text="保存轨迹作证据").click()
    form = screen.matter.get_by_role("form", name="保存轨迹作证据")
    form.get_by_label("派警单").select_option(index=1)
    form.get_by_label("理由").fill("示例：出警经过须作证据")
    form.get_by_label("依据").fill("示例：刑事诉讼法第五十二条")
    form.get_by_role("button", name="保存轨迹作证据").focus()
    screen.press("Enter")
    expect(screen.matter.get_by_text("个位置 · 示例：刑事诉讼法第五十二条")).to_be_visible()
    screen.matter.get_by_role("button", name="查看", exact=True).click()
    expect(screen.matter.get_by_text("与封存的分钟段相符")).to_be_visible()
    rows = screen.matter.get_by_role("list", name="轨迹").get_by_role("listitem")
    assert 6 <= rows.count() <= 12
    expect(rows.first).to_contain_text("122.30")
