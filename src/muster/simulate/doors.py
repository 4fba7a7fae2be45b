"""The HTTP doors as a client sees them: sign in, read, command, send.

A command carries its own id (`Idempotency-Key`): when the connection breaks or the server
fails, the same command is sent again under the same id until it is answered or refused. So an
acknowledged command was acknowledged once, and a command never answered is nobody's promise.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import urllib3

from muster.journal.clock import monotonic
from muster.simulate.ledger import Acknowledged, Ledger
from muster.simulate.shapes import Account, Answer, Anything, Body, Problem, Session

T = TypeVar("T")

#: Tries of one request that the server answers with 5xx, before it counts as a server fault.
FAULT_TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0


class DoorRefused(Exception):
    """The server understood and refused: `code` is stable, the sentences are for people."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(f"{status} {problem.code}: {problem.detail_en}")
        self.status, self.code = status, problem.code
        self.zh, self.en = problem.detail_zh, problem.detail_en

    @property
    def sentence(self) -> str:
        return f"{self.zh} / {self.en}"


class DoorShut(Exception):
    """Nobody answers at the address, for longer than the client's patience."""


class DoorBroken(Exception):
    """The server answers, but with 5xx time and again or with something unreadable."""


class Pass:
    """One signed-in account: cookie and CSRF token, made when first needed."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.lock = threading.Lock()
        self.cookie: str | None = None
        self.csrf = ""


class Doors:
    """All sessions of the simulated people of one instance, over kept-alive connections.

    patience_s: real seconds to go on trying when nobody answers (None: for ever).
    stop: set to give up at once. ledger: where acknowledged commands are written down.
    """

    def __init__(
        self,
        url: str,
        *,
        patience_s: float | None = 60.0,
        connections: int = 8,
        stop: threading.Event | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.patience_s, self.ledger = patience_s, ledger
        self.stop = stop or threading.Event()
        #: In a driven instance: the moment every request is made at (header Simulated-Now), and
        #: the account that may say so (its session goes along as Simulated-By).
        self.simulated_now: datetime | None = None
        self.driver: Account | None = None
        self.requests = 0
        self._count = threading.Lock()
        self._pool = urllib3.PoolManager(
            maxsize=connections, block=True, retries=False, timeout=urllib3.Timeout(5.0, read=60.0)
        )
        self._passes: dict[str, Pass] = {}

    def close(self) -> None:
        self._pool.clear()

    def read(self, who: Account, path: str, kind: type[T], **query: object) -> T:
        """GET. Raises DoorRefused, DoorShut or DoorBroken."""
        asked = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(asked)}" if asked else path
        return _decoded(self._signed(who, "GET", target, None), kind, target)

    def command(self, who: Account, path: str, body: Body, *, command: UUID) -> Answer:
        """An operation on a matter. The answer is written to the ledger before it is returned."""
        key = {"Idempotency-Key": str(command)}
        answer = _decoded(self._signed(who, "POST", path, body, key), Answer, path)
        if self.ledger is not None:
            kept = Acknowledged(path, command, answer.matter, answer.entries)
            self.ledger.write(kept)
        return answer

    def send(self, who: Account, path: str, body: Body) -> None:
        """A change outside the journal: positions, signing on. Sent again when in doubt."""
        _decoded(self._signed(who, "POST", path, body), Anything, path)

    def _signed(
        self,
        who: Account,
        method: str,
        path: str,
        body: Body | None,
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """With the account's session; signs in first, and once more when the session is gone."""
        held = self._pass(who)
        for attempt in (1, 2):
            headers = dict(extra or {})
            with held.lock:
                if held.cookie is None:
                    self._sign_in(held)
                headers["Cookie"] = used = held.cookie or ""
                if method != "GET":
                    headers["X-CSRF-Token"] = held.csrf
            headers |= self._moment()
            status, data = self._ask(method, path, body, headers)
            if status < 400:
                return data
            refused = DoorRefused(status, _problem(data))
            if attempt == 2 or refused.code not in ("session.required", "session.csrf"):
                raise refused
            with held.lock:
                if held.cookie == used:
                    held.cookie = None
            if self.driver is not None:
                self._pass(self.driver).cookie = None
        raise AssertionError("unreachable")

    def _moment(self) -> dict[str, str]:
        """The headers that drive the clock."""
        if self.simulated_now is None:
            return {}
        said = {"Simulated-Now": rfc3339(self.simulated_now)}
        if self.driver is not None:
            held = self._pass(self.driver)
            with held.lock:
                if held.cookie is None:
                    self._sign_in(held)
                said["Simulated-By"] = (held.cookie or "").partition("=")[2]
        return said

    def _pass(self, who: Account) -> Pass:
        with self._count:
            return self._passes.setdefault(who.username, Pass(who))

    def _sign_in(self, held: Pass) -> None:
        account = held.account
        body: Body = {"username": account.username, "password": account.password}
        response = self._knock("POST", "/api/session", body, {})
        if response.status >= 400:
            raise DoorRefused(response.status, _problem(response.data))
        held.csrf = _decoded(response.data, Session, "/api/session").csrf
        held.cookie = _cookie(response)

    def _ask(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        response = self._knock(method, path, body, headers)
        return response.status, response.data

    def _knock(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        """One request, tried again while the connection fails or the server says 5xx or 429."""
        data = None if body is None else msgspec.json.encode(body)
        sent = {**headers, "Accept": "application/json"}
        if data is not None:
            sent["Content-Type"] = "application/json"
        since, pause, faults = monotonic(), _FIRST_PAUSE_S, 0
        while True:
            trouble: str
            try:
                with self._count:
                    self.requests += 1
                response = self._pool.request(method, self.url + path, body=data, headers=sent)
                if response.status < 500 and response.status != 429:
                    return response
                trouble = f"{response.status}: {response.data[:200]!r}"
                # 503 is a server starting or stopping: time heals it. Any other 5xx is a fault.
                faults += response.status not in (429, 503)
                pause = max(pause, _retry_after(response))
            except urllib3.exceptions.HTTPError as error:
                trouble = f"{type(error).__name__}: {error}"
            if faults >= FAULT_TRIES:
                raise DoorBroken(f"{method} {path}: {trouble}")
            waited = monotonic() - since
            if self.patience_s is not None and waited > self.patience_s:
                raise DoorShut(f"{method} {path}, {waited:.0f} s: {trouble}")
            if self.stop.wait(pause):
                raise DoorShut(f"{method} {path}: stopped")
            pause = min(pause * 2, _LONGEST_PAUSE_S)


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 30.0) if value.isdigit() else 0.0


def _decoded(data: bytes, kind: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise DoorBroken(f"{path}: {error}: {data[:200]!r}") from error


def _problem(data: bytes) -> Problem:
    try:
        return msgspec.json.decode(data, type=Problem)
    except msgspec.DecodeError:
        return Problem(detail_en=data[:200].decode("utf-8", "replace"))


def _cookie(response: urllib3.BaseHTTPResponse) -> str:
    for line in response.headers.getlist("Set-Cookie"):
        pair = line.split(";", 1)[0].strip()
        if pair.partition("=")[0] in ("muster_session", "__Host-muster_session"):
            return pair
    raise DoorBroken("/api/session: no cookie muster_session")
