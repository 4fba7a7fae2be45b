"""No text of the repository holds a path of one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import sources, wording


def _texts() -> list[Path]:
    found = list(sources.walk(sources.ROOT, wording.TEXTS))
    plain = [sources.ROOT / name for name in ("muster", "LICENSE", ".importlinter", ".ci/run")]
    return [*found, *(path for path in plain if path.is_file())]


def test_no_machine_paths() -> None:
    faults = list(wording.faults(_texts()))
    assert not faults, sources.faults_text("No paths of one machine", faults)


@pytest.mark.parametrize(
    ("line", "trips"),
    [
        ("see /{}/notes.txt for the way".format("root"), True),
        ('DATA = "/{}/main/cities"'.format("work"), True),
        ("(/{}/ann/muster)".format("home"), True),
        ("tests/root/x and ./work/x", False),
        ("https://example.org/work/x", False),
        ("/var/lib/muster and /api/root/x", False),
    ],
)
def test_a_machine_path_is_seen_failing(line: str, trips: bool) -> None:
    assert bool(wording.MACHINE.search(line)) is trips
