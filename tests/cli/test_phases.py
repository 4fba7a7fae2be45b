"""One run, one summary: phases in order, their times, and checks that count as tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from muster.cli import checks
from muster.cli.phases import phase_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder, name in (("stories", "b"), ("journal", "c"), ("house", "a"), ("browser", "d")):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / f"test_{name}.py").write_text(
            f"def test_{name}() -> None: ...\n"
        )
    (tmp_path / "tests" / "journal" / "test_kept.py").write_text(
        "import pytest\n@pytest.fixture\ndef database(): ...\n"
        "def test_kept(database) -> None: ...\n"
        "import unittest\nclass TestDays(unittest.TestCase):\n    def runTest(self): ...\n"
    )
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths=["tests"]\n')
    return tmp_path


def run(project: Path, *words: str, code: str = "0") -> tuple[int, list[str]]:
    """Run with one made-up check that exits with `code`."""
    (project / "conftest.py").write_text(
        "from muster.cli import checks\nimport sys\n"
        "checks.steps = lambda root: {'mypy': "
        f"[sys.executable, '-c', 'print(\"a fault\"); raise SystemExit({code})']}}\n"
    )
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "muster.cli.phases",
            "-p",
            "no:cacheprovider",
            *words,
        ],
        capture_output=True,
        text=True,
        cwd=project,
        env={
            **checks.environment(),
            "MUSTER_SET_UP_SECONDS": "12.5",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        check=False,
    )
    return told.returncode, told.stdout.splitlines()


def test_phases_in_order_with_times_and_the_summary_last(project: Path) -> None:
    code, lines = run(project, "--checks")
    assert code == 0
    begun = [line.strip("─ ").split()[-1] for line in lines if line.startswith("── ")]
    assert begun == ["check", "rules", "unit", "stories", "browser"]
    assert "7 passed" in lines[-1]
    times = "\n".join(lines[next(i for i, line in enumerate(lines) if "用时" in line) :])
    assert "12.5 s" in times and "故事 stories" in times


def test_a_failing_check_fails_the_run_and_is_counted(project: Path) -> None:
    code, lines = run(project, "--checks", code="3")
    assert code == 1 and "1 failed, 6 passed" in lines[-1]
    assert "a fault" in "\n".join(lines)


def test_quick_leaves_out_what_needs_a_database_or_a_browser(project: Path) -> None:
    code, lines = run(project, "--quick", "-v")
    assert code == 0 and "2 passed, 4 deselected" in lines[-1]


@pytest.mark.parametrize(
    ("nodeid", "markers", "phase"),
    [
        ("tests/journal/test_a.py::test", set(), "unit"),
        ("tests/test_a.py::test", set(), "unit"),
        ("tests/invariants/test_a.py::test", {"soak"}, "soak"),
        ("tests/api/test_a.py::test", {"browser"}, "browser"),
        ("check::mypy", set(), "check"),
    ],
)
def test_a_phase_is_told_by_mark_and_folder(nodeid: str, markers: set[str], phase: str) -> None:
    assert phase_of(nodeid, markers) == phase


def test_ci_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "--color=no" in checks.pytest_command([])
    assert "FORCE_COLOR" not in checks.environment() and checks.environment()["NO_COLOR"] == "1"


def test_tests_never_see_a_real_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://real")
    assert "DATABASE_URL" not in checks.environment()
