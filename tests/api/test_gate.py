"""The gate: whose host a request is for, and whose word a proxy's is."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from muster.api.gate import Gate, bare, guarded
from muster.supervise.postgres import Postgres
from tests.api.consoles import live
from tests.api.fuzzing import Fuzzed
from tests.api.wire import assert_refused, say
from tests.instance import Database, Instance, copied, free_port, settings_for
from tests.stories.desk import Person

OURS = ("127.0.0.1", "127.0.0.1:8000", "LOCALHOST", "localhost.", "[::1]", "[::1]:8000")
FOREIGN = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example#localhost",
    "192.0.2.7",
    "0x7f000001",
    "2130706433",
    "127.1",
    "[::1].evil.example",
    "[::1",
    "::1]",
    "localhost, evil.example",
    "",
    " ",
)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(target: Fuzzed, chief: Person, host: str) -> None:
    """DNS rebinding: somebody's name that points here. The session is good; the answer is no."""
    for path in ("/api/incidents", "/", "/healthz", "/no-such-path"):
        heard = say(target, "GET", path, who=chief, more=[("Host", host)])
        assert_refused(heard, 400, "host.unknown")


@pytest.mark.parametrize("host", OURS)
def test_our_own_hosts_are_known(target: Fuzzed, chief: Person, host: str) -> None:
    heard = say(target, "GET", "/api/incidents", who=chief, more=[("Host", host)])
    assert heard.status == 200


def test_no_host_and_two_hosts_are_refused(target: Fuzzed) -> None:
    port = target.server.settings.port
    for hosts in ("", "Host: localhost\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(f"GET /healthz HTTP/1.0\r\n{hosts}\r\n".encode())
            assert b" 400 " in connection.recv(4096).partition(b"\r\n")[0]


def test_the_live_feed_is_behind_the_gate(target: Fuzzed, chief: Person) -> None:
    with pytest.raises(Exception, match="403"):
        live(target.server, chief, Host="evil.example")


@pytest.fixture
def named(cluster: Postgres, prepared: tuple[str, Any], tmp_path: Path) -> Any:
    """A server that has a public name and believes one proxy."""

    def start(**changes: object) -> Instance:
        settings = settings_for(database, tmp_path / "data", port=free_port(), **changes)
        server = Instance(settings, tmp_path / "server.log")
        server.start()
        started.append(server)
        return server

    started: list[Instance] = []
    database: Database
    with copied(cluster, prepared[0], f"gate_{tmp_path.name}".replace("-", "_")) as database:
        yield start
        for server in started:
            server.stop()


def asked(server: Instance, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    person = Person(server.url, "dispatcher")
    response = person.http.request("GET", server.url + path, headers=headers, timeout=30.0)
    return response.status, dict(response.headers), response.data


def test_a_public_name_is_known(named: Any) -> None:
    server = named(hosts=("muster.example",))
    for host in ("muster.example", "Muster.Example:443", "localhost"):
        assert asked(server, "/healthz", Host=host)[0] == 200
    assert asked(server, "/healthz", Host="other.example")[0] == 400


def test_bound_everywhere_an_address_is_known_and_a_name_is_not(named: Any) -> None:
    server = named(host="0.0.0.0")
    for host in ("192.0.2.7", "[2001:db8::7]:8000", "localhost"):
        assert asked(server, "/healthz", Host=host)[0] == 200
    assert asked(server, "/healthz", Host="evil.example")[0] == 400


def test_https_is_said_only_by_a_trusted_proxy(named: Any) -> None:
    trusting, other = named(trusted_proxies=("127.0.0.0/8",)), None
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
    status, headers, _ = asked(trusting, "/healthz", **said)
    assert status == 200
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in asked(trusting, "/healthz")[1]
    other = named()
    assert "strict-transport-security" not in asked(other, "/healthz", **said)[1]


# --- pure --------------------------------------------------------------------------------------


def seen(proxies: tuple[str, ...], client: str, *headers: tuple[bytes, bytes]) -> tuple[str, str]:
    """(client, scheme) as the application behind the gate sees them."""
    found: list[Any] = []

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope)

    gate = Gate(inner, bound="127.0.0.1", proxies=proxies)
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (client, 1),
        "headers": [(b"host", b"localhost"), *headers],
    }
    asyncio.run(gate(scope, None, None))  # type: ignore[arg-type]
    return found[0]["client"][0], found[0]["scheme"]


FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"


@pytest.mark.parametrize(
    ("proxies", "client", "said", "expected"),
    [
        ((), "10.0.0.1", b"192.0.2.1", "10.0.0.1"),
        (("10.0.0.1",), "10.0.0.2", b"192.0.2.1", "10.0.0.2"),
        (("10.0.0.1",), "10.0.0.1", b"192.0.2.1", "192.0.2.1"),
        (("10.0.0.1",), "10.0.0.1", b"203.0.113.5, 192.0.2.1", "192.0.2.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"203.0.113.5, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"127.0.0.1, \r\nx", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", b"", "10.0.0.1"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", b"192.0.2.1", "192.0.2.1"),
    ],
)
def test_whose_address_it_is(
    proxies: tuple[str, ...], client: str, said: bytes, expected: str
) -> None:
    assert seen(proxies, client, (FOR, said), (PROTO, b"https"))[0] == expected


def test_two_headers_are_one_line() -> None:
    found = seen(("10.0.0.1",), "10.0.0.1", (FOR, b"192.0.2.1"), (FOR, b"192.0.2.2"))
    assert found[0] == "192.0.2.2"
    assert seen(("10.0.0.1",), "10.0.0.1", (PROTO, b"https"), (PROTO, b"http"))[1] == "http"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.COM:80", "example.com"),
        ("example.com.", "example.com"),
        ("[::1]:80", "::1"),
        ("[::1]evil", "[::1]evil"),
        ("::1", "::1"),
        ("a:b", "a:b"),
    ],
)
def test_a_bare_host(host: str, name: str) -> None:
    assert bare(host) == name


def test_the_server_stands_behind_it(database: Database, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path, hosts=("muster.example",))
    gate = guarded(None, settings)
    assert gate.knows("muster.example") and not gate.knows("evil.example")


def test_no_name_of_the_server(target: Fuzzed) -> None:
    heard = say(target, "GET", "/healthz", who=None)
    assert "server" not in heard.headers and "x-powered-by" not in heard.headers


def test_the_log_of_a_foreign_host_is_one_line(target: Fuzzed) -> None:
    for line in target.server.log.read_text().splitlines():
        assert isinstance(json.loads(line), dict)
