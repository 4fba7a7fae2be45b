"""`demo` and `replay` as a person runs them: the command, its output, signals, and what is left."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster.supervise import processes

MAP = """
[map]
name_zh = "示例"
name_en = "example"
timezone = "Europe/London"
attribution = "invented"
[number]
column = "number"
[reported_at]
columns = ["time"]
format = "%Y-%m-%d %H:%M:%S"
[place]
x = "lon"
y = "lat"
[category]
columns = ["kind"]
[station]
column = "station"
"""


class Command:
    """`muster WORDS` as a process of its own, with what it printed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.said = folder.with_suffix(".said")
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "muster.cli", *words],
                stdout=output,
                stderr=output,
                env={k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
            )

    def words(self) -> str:
        return self.said.read_text()

    def wait_for(self, pattern: str) -> str:
        """The first group of `pattern`, once it was printed."""
        while True:
            ended = self.process.poll() is not None
            if found := re.search(pattern, self.words()):
                return found.group(1)
            assert not ended, self.words()
            time.sleep(0.05)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Path]:
    """A folder for a whole Muster; whatever a failing test leaves running there is ended."""
    folder = tmp_path / "town"
    yield folder
    for pid in processes.started_with(str(folder)):
        os.kill(pid, signal.SIGKILL)


def started(folder: Path) -> tuple[Command, str]:
    command = Command(folder, "demo", "--data", str(folder), "--port", "0")
    return command, command.wait_for(r"ready:  http://(\S+)")


def sign_in(address: str, password: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=20)
    body = json.dumps({"username": "dispatcher", "password": password})
    connection.request("POST", "/api/session", body, {"Content-Type": "application/json"})
    return connection.getresponse().status


def test_a_demo_starts_is_killed_starts_again_and_stops(installation: Path) -> None:
    command, address = started(installation)
    password = command.wait_for(r"dispatcher +dispatcher +(\S+)")
    assert sign_in(address, password) == 201

    second = Command(installation.with_name("second"), "demo", "--data", str(installation))
    assert second.process.wait() == 1 and "is in use by another process" in second.words()

    command.end(signal.SIGKILL)
    while processes.started_with(str(installation)):
        time.sleep(0.05)  # nothing outlives the supervisor; the test's own limit ends a failure

    command, address = started(installation)
    assert command.wait_for(r"dispatcher +dispatcher +(\S+)") == password
    assert sign_in(address, password) == 201
    taken = Command(
        installation.with_name("taken"),
        *("demo", "--data", str(installation.with_name("other")), "--port", address.split(":")[1]),
    )
    assert taken.process.wait() == 1 and "is in use by another program" in taken.words()
    assert command.end(signal.SIGINT) == 0 and "stopped" in command.words()
    assert processes.started_with(str(installation)) == []


def test_a_replay_plays_every_call_and_loses_none(installation: Path) -> None:
    folder = installation.parent
    (folder / "map.toml").write_text(MAP)
    rows = [
        f"c{n},2017-02-23 {10 + n}:00:07,{-0.1 + n / 90:.4f},51.5,Alarm,{station}"
        for n, station in enumerate(("North", "South", "North", "South"))
    ]
    calls = folder / "calls.csv"
    calls.write_text(
        "\n".join(["number,time,lon,lat,kind,station", *rows, "c9,,0,51.5,Alarm,North"])
    )
    words = ["replay", str(calls), "--map", str(folder / "map.toml"), "--draft", "--json"]
    command = Command(installation, *words, "--data", str(installation))
    assert command.process.wait() == 0, command.words()
    report = json.loads(command.words().splitlines()[-1])
    assert (report["calls"], report["lost"], report["doubled"]) == (4, 0, 0)
    assert report["closed"] + report["merged"] == 4
    assert report["rejected"]["reasons"] == {"time.missing": 1}
    assert processes.started_with(str(installation)) == []
    # The folder is used now, and says so.
    again = Command(folder / "again", *words, "--data", str(installation))
    assert again.process.wait() == 1 and "needs an empty data folder" in again.words()
