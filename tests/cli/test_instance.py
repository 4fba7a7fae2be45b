"""Addresses, ports and readiness, as `demo` and `up` meet them."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from muster.cli.ports import opened, port_of, readiness
from muster.supervise.trouble import Trouble


def test_a_port_in_use_is_one_sentence_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Trouble, match=f"Port {port} is in use.*--port {port + 1}") as told:
            opened("127.0.0.1", port)
    assert f"端口 {port} 已被别的程序占用" in told.value.zh


def test_port_0_is_any_free_one() -> None:
    with opened("127.0.0.1", 0) as one, opened("127.0.0.1", 0) as another:
        assert 0 < port_of(one) != port_of(another) > 0


def test_an_address_of_another_machine_is_one_sentence() -> None:
    with pytest.raises(Trouble, match="not one of this machine"):
        opened("198.51.100.1", 8000)


class Door(BaseHTTPRequestHandler):
    status, words = 200, b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(self.words)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def door() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_readiness_is_what_readyz_says(door: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = readiness("http", "0.0.0.0", door.server_port)
    assert ask() is None
    monkeypatch.setattr(Door, "status", 503)
    monkeypatch.setattr(Door, "words", b'{"ready":false,"reasons":["database: down"]}')
    assert ask() == "database: down"
    monkeypatch.setattr(Door, "status", 500)
    monkeypatch.setattr(Door, "words", b"[]")
    assert ask() == "HTTP 500"


def test_a_server_not_yet_there_is_not_ready() -> None:
    with opened("127.0.0.1", 0) as nobody:
        assert readiness("http", "127.0.0.1", port_of(nobody))() is not None
