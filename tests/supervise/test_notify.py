"""systemd hears of us through a socket; where there is none nothing happens."""

import socket
from pathlib import Path

import pytest

from muster.supervise import notify


def test_words_reach_whoever_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify.tell("READY=1")
        assert manager.recv(100) == b"READY=1"
        manager.settimeout(10)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0muster-test-notify-" + tmp_path.name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@muster-test-notify-" + tmp_path.name)
        notify.tell("WATCHDOG=1")
        assert manager.recv(100) == b"WATCHDOG=1"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.tell("READY=1")


@pytest.mark.parametrize(("said", "every"), [("60000000", 30.0), ("0", None), ("", None)])
def test_a_sign_of_life_comes_twice_as_often_as_it_is_waited_for(
    said: str, every: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", said)
    assert notify.watched_every() == every
