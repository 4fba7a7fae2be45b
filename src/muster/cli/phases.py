"""A pytest plugin: the phases of a run in a fixed order, with their times.

--quick     only tests that need no database, no server and no browser
--checks    before the tests, the checks of `muster check` that are no tests, as items of the run
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from muster.cli import checks

ORDER = ("check", "house", "unit", "invariants", "stories", "faults", "soak", "browser")
TITLES = {
    "check": "检查 check",
    "house": "内部规则 house rules",
    "unit": "单元 unit",
    "invariants": "不变量 invariants",
    "stories": "故事 stories",
    "faults": "故障 faults",
    "soak": "久测 soak",
    "browser": "浏览器 browser",
}
SLOW_FOLDERS = {"simulate", "supervise", "invariants", "stories", "faults", "soak", "browser"}
SLOW_FIXTURES = {"cluster", "database", "page", "browser", "instance", "installation"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("muster")
    group.addoption("--quick", action="store_true", help="only tests without a database")
    group.addoption("--checks", action="store_true", help="run the static checks first, as items")


class CheckFailed(Exception):
    """A static check ended with an error; the words are its output."""


class Check(pytest.Item):
    """One static check as an item of the run, so that one summary tells everything."""

    command: list[str]

    def runtest(self) -> None:
        _, _, code, output = checks.run_step(self.name, self.command, self.config.rootpath)
        if code != 0:
            raise CheckFailed(output)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.config.rootpath, None, f"check: {self.name}"


def phase_of(nodeid: str, markers: set[str]) -> str:
    """The phase a test belongs to, by its marks and its folder below tests/."""
    for marker in ("browser", "soak"):
        if marker in markers:
            return marker
    if nodeid.startswith("check::"):
        return "check"
    folder = nodeid.split("/")[1] if nodeid.count("/") > 1 else ""
    return folder if folder in ORDER else "unit"


def is_slow(item: pytest.Item) -> bool:
    """By its folder, by what it asks for, or a state machine that hypothesis drives for long."""
    if item.name == "runTest":
        return True
    folder = item.nodeid.split("/")[1] if item.nodeid.count("/") > 1 else ""
    return folder in SLOW_FOLDERS or bool(SLOW_FIXTURES & set(getattr(item, "fixturenames", ())))


class Phases:
    """Sorts the items by phase, says when a phase begins, and tells the times at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.phases: dict[str, str] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.items: defaultdict[str, int] = defaultdict(int)
        self.now = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        if self.config.getoption("--quick"):
            slow = [item for item in items if is_slow(item)]
            items[:] = [item for item in items if item not in set(slow)]
            self.config.hook.pytest_deselected(items=slow)
        if self.config.getoption("--checks"):
            items[:0] = list(_checks(session))
        for item in items:
            markers = {marker.name for marker in item.iter_markers()}
            self.phases[item.nodeid] = phase_of(item.nodeid, markers)
        items.sort(key=lambda item: ORDER.index(self.phases[item.nodeid]))

    @pytest.hookimpl(tryfirst=True)  # before the line that names the file
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        phase = self.phases.get(nodeid, "unit")
        self.items[phase] += 1
        if phase != self.now:
            self.now = phase
            if not self.config.getoption("--quick"):
                reporter = _reporter(self.config)
                reporter.ensure_newline()
                reporter.write_line(f"── {TITLES[phase]} ──", bold=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[self.phases.get(report.nodeid, "unit")] += report.duration

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if self.config.getoption("--quick"):
            return
        terminalreporter.section("用时 times")
        if set_up := os.environ.get("MUSTER_SET_UP_SECONDS"):
            terminalreporter.write_line(f"{float(set_up):8.1f} s         安装 set-up")
        for phase in ORDER:
            if self.items[phase]:
                terminalreporter.write_line(
                    f"{self.seconds[phase]:8.1f} s {self.items[phase]:5d}   {TITLES[phase]}"
                )


def _checks(session: pytest.Session) -> Iterator[pytest.Item]:
    root = session.config.rootpath
    steps = checks.steps(root) | checks.web_steps(root)
    for name, command in steps.items():
        item = Check.from_parent(session, name=name, nodeid=f"check::{name}")
        item.command = command
        yield item


def _reporter(config: pytest.Config) -> TerminalReporter:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(reporter, TerminalReporter)
    return reporter


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Phases(config), "muster-phases")
