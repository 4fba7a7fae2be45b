"""Requests byte by byte, as no well-behaved client sends them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
from psycopg import sql

from tests.api.fuzzing import Fuzzed
from tests.stories.desk import Person

CHINESE, LATIN = re.compile(r"[一-鿿]"), re.compile(r"[A-Za-z]{3}")
#: Tables that asking alone may change: sessions are touched, attempts and refused fixes counted,
#: and that somebody was refused is written down.
RESTLESS = {"session", "sign_in_attempt", "telemetry_reject", "denial", "access_log"}
#: Taken by a thread: soon after an erasure, and now and then.
RESTLESS |= {"checkpoint", "signing_key"}
Header = tuple[str, str | bytes]


@dataclass
class Heard:
    """What came back, header names in lower case."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.data)


def say(
    target: Fuzzed,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    *,
    who: Person | None,
    more: Sequence[Header] = (),
    without: Sequence[str] = (),
) -> Heard:
    """One request on a connection of its own. Headers of `more` are added, also twice; those of
    `without` are left out. An iterable body is sent in chunks without a length."""
    usual: list[Header] = [("Content-Type", "application/json"), ("Idempotency-Key", str(uuid4()))]
    usual += list(who.headers.items()) if who is not None else []
    dropped = {name.lower() for name in (*without, *(name for name, _ in more if name))}
    kept = [(name, value) for name, value in usual if name.lower() not in dropped]
    connection = http.client.HTTPConnection(urlsplit(target.server.url).netloc, timeout=30)
    try:
        own_host = "host" in dropped
        connection.putrequest(method, path, skip_host=own_host, skip_accept_encoding=True)
        for name, value in (*kept, *more):
            connection.putheader(name, value)
        _send(connection, body)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Heard(response.status, names, response.read())
    finally:
        connection.close()


def _send(connection: http.client.HTTPConnection, body: bytes | Iterable[bytes]) -> None:
    if isinstance(body, bytes):
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        pieces: Iterable[bytes] = [body]
    else:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        pieces = (b"%x\r\n%s\r\n" % (len(one), one) for one in (*body, b""))
    try:
        for one in pieces:
            connection.send(one)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all was said: the answer is there to be read


def assert_refused(heard: Heard, status: int, code: str, path: str | None = None) -> None:
    """A problem in both languages with this code; `path`: the field it names."""
    assert heard.status == status, (heard.status, heard.data[:500])
    assert heard.headers["content-type"] == "application/problem+json"
    problem = heard.body
    assert (problem["code"], problem["status"]) == (code, status)
    assert CHINESE.search(problem["detail_zh"]) and LATIN.search(problem["detail_en"])
    for field in problem.get("fields", ()):
        assert CHINESE.search(field["message_zh"]) and LATIN.search(field["message_en"]), field
    if path is not None:
        assert path in [field["path"] for field in problem["fields"]], problem
    assert "Traceback" not in heard.data.decode() and "/src/" not in heard.data.decode()


def counts(target: Fuzzed) -> dict[str, int]:
    """Rows of every table but those that asking alone may change.

    A partition counts with its table: the days ahead are made when the server gets to it.
    """
    with psycopg.connect(target.server.settings.owner_dsn) as owner:
        names = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        ).fetchall()
        found = {}
        for (name,) in names:
            if name in RESTLESS:
                continue
            statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            row = owner.execute(statement).fetchone()
            assert row is not None
            found[name] = int(row[0])
    return found


@contextmanager
def nothing_written(target: Fuzzed) -> Iterator[None]:
    """No table has a row more or less afterwards."""
    before = counts(target)
    yield
    after = counts(target)
    assert after == before, set(after.items()) ^ set(before.items())
