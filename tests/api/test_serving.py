"""The end of a server process: nobody who is there is dropped."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
from pathlib import Path

from muster.api.serving import Listening, standby_of, taking_turns
from tests.instance import Instance


def test_a_kept_connection_gets_one_more_answer_and_is_told_to_come_anew(
    live_server: Instance,
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live_server.settings.port, timeout=30)
    connection.request("GET", "/healthz")
    first = connection.getresponse()
    assert first.status == 200 and first.read() and first.getheader("Connection") is None
    assert live_server.process is not None
    live_server.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(ConnectionRefusedError):
        while True:  # until it takes nobody new
            socket.create_connection(("127.0.0.1", live_server.settings.port)).close()
    connection.request("GET", "/healthz")
    last = connection.getresponse()
    assert last.status == 200 and last.read()
    assert last.getheader("Connection") == "close"


def test_whoever_waits_for_its_turn_says_so(tmp_path: Path) -> None:
    import multiprocessing

    turn = tmp_path / "turn"
    with taking_turns(Listening(turn=str(turn))):
        assert not standby_of(turn).exists()
        other = multiprocessing.get_context("spawn").Process(target=_wait, args=(str(turn),))
        other.start()
        while not standby_of(turn).exists():
            assert other.is_alive()
        assert not (tmp_path / "served").exists()
    other.join()
    assert (tmp_path / "served").exists()


def _wait(turn: str) -> None:
    with taking_turns(Listening(turn=turn)):
        Path(turn).with_name("served").touch()
