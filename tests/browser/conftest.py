"""A real Chromium at a running Muster: the page as people use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from muster import app
from tests.browser.screen import Screen
from tests.instance import ROOT, Database, Instance, free_port, settings_for
from tests.stories.desk import call, on_duty, signed_in

UNITS = ("pt-shenjiamen-01", "pt-shenjiamen-02")
#: How long Playwright looks again before an expectation counts as failed: a loaded machine draws
#: the map without a graphics card.
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    return {**browser_type_launch_args, "executable_path": chromium, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    wide = {"width": 1440, "height": 900}
    return {**browser_context_args, "viewport": wide, "reduced_motion": "reduce"}


@pytest.fixture
def screen(page: Page, live_server: Instance) -> Iterator[Screen]:
    """The page of a running server, not signed in; nothing may go wrong in it unseen, and it may
    ask nobody but its own server."""
    assert live_server.settings.web is not None, "web/dist is missing: run ./muster test"
    page.set_default_timeout(PATIENCE_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.extend(_outside(request.url, live_server.url)))
    yield Screen(page, live_server)
    assert not faults, faults


def _outside(address: str, home: str) -> list[str]:
    own = (home, home.replace("http", "ws", 1), "data:", "blob:")
    return [] if address.startswith(own) else [f"asked {address}"]


@pytest.fixture
def first_link(database: Database, tmp_path: Path) -> Iterator[str]:
    """The one-time address of a real installation that has no administrator yet."""
    settings = settings_for(
        database,
        tmp_path / "real",
        port=free_port(),
        web=str(ROOT / "web" / "dist"),
        demo=False,
        clock="real",
    )
    token = app.prepare(settings).first_link
    instance = Instance(settings, tmp_path / "real.log")
    instance.start()
    yield f"{instance.url}/first?token={token}"
    instance.stop()


@pytest.fixture
def matters(live_server: Instance) -> dict[str, str]:
    """Three open matters by name: grave (level 1), ordinary (level 3, with a remark), minor
    (level 4); two units of 沈家门 are on duty."""
    for unit in UNITS:
        on_duty(live_server, unit)
    taker = signed_in(live_server, "call-taker")
    made = {name: str(uuid4()) for name in ("minor", "grave", "ordinary")}
    levels = {"grave": 1, "ordinary": 3, "minor": 4}
    for name, matter in made.items():
        taker.do("/api/incidents", call(matter, level=levels[name]))
    taker.do(f"/api/incidents/{made['ordinary']}/remark", {"text": "示例：报警人补充，穿红色外套"})
    return made
