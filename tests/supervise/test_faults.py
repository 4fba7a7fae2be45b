"""A Muster under load to which bad things happen: each is told, survived, and nothing
acknowledged is lost. The faults stand in faulty.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = ["unshare", "--mount"] + (["--user", "--map-root-user"] if os.geteuid() else [])
#: What an engineer reads at /readyz during each fault.
TOLD = {
    "clock": ("jumped by +3600 s", "jumped by -7200 s"),
    "handles": ("handles: ",),
    "half-open": ("HTTP/1.1 101", "closed"),
    "memory": ("readyz ",),
    "slow": ("database: no answer for", "healthz 200"),
    "read-only": ("is read-only",),
    "full": ("disk: full",),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each fault, by its name; `end` is the comparison of everything."""
    folder = tmp_path_factory.mktemp("faults")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.supervise.faulty", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    found = {one["fault"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert "end" in found, done.stdout[-2000:] + done.stderr[-4000:]
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", TOLD)
def test_it_is_told_survived_and_nothing_is_lost(
    fault: str, verdicts: dict[str, dict[str, Any]]
) -> None:
    verdict = verdicts[fault]
    assert verdict["faults"] == []
    assert verdict["answered"] >= 12  # two for each client, after the fault
    for words in TOLD[fault]:
        assert any(words in said for said in verdict["said"]), verdict


def test_the_journal_holds_after_all_of_them(verdicts: dict[str, dict[str, Any]]) -> None:
    assert verdicts["end"]["faults"] == []


@pytest.mark.parametrize("fault", ["clock", "slow", "read-only", "full"])
def test_it_is_said_in_the_terminal_too(fault: str, verdicts: dict[str, dict[str, Any]]) -> None:
    assert "note: " in verdicts[fault]["supervisor"], verdicts[fault]


def test_the_supervisor_brought_back_what_ended(verdicts: dict[str, dict[str, Any]]) -> None:
    """Where the server or the database ended, the terminal says so and that it is back."""
    for verdict in verdicts.values():
        words = verdict.get("supervisor", "")
        assert words.count("starting the") <= 3 * max(1, words.count("is back")), words
