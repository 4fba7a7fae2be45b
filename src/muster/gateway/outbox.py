"""From a gateway to the server's doors: batches, sent again until they are answered.

Nothing is kept here that its device was told to forget: `accepted` is called when the server has
it. Ended in any way, a gateway loses nothing a device does not send again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from muster.gateway.counts import Counts

MOST_HELD: Final = 20_000
MOST_IN_BATCH: Final = 1_000
_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0


class Sent(msgspec.Struct, frozen=True, gc=False):
    """One fix as POST /api/positions takes it."""

    unit: str
    lon: float
    lat: float
    at: int
    speed_kmh: float | None = None
    heading: int | None = None


@dataclass(frozen=True)
class Carried:
    """What one message of a device brought. `alarm`: when somebody pressed its alarm button,
    milliseconds since 1970 UTC."""

    unit: str
    fixes: tuple[Sent, ...]
    alarm: int | None
    accepted: Callable[[], None]


class _Rejected(msgspec.Struct):
    code: str = ""


class _Reported(msgspec.Struct):
    accepted: int = 0
    duplicates: int = 0
    rejected: list[_Rejected] = []


class _Problem(msgspec.Struct):
    code: str = ""


class NotTaken(Exception):
    """The server did not take it now; it is sent again. The text says why, for the terminal."""

    def __init__(self, why: str, pause_s: float = 0.0) -> None:
        super().__init__(why)
        self.pause_s = pause_s


class NeverTaken(Exception):
    """The server understood and refused for good; the text is the code."""


@dataclass(frozen=True)
class Server:
    """Where the doors are. The token is read from its file each time, so that it can be replaced
    under a running gateway."""

    http: httpx.AsyncClient
    token_file: Path

    async def positions(self, fixes: list[Sent]) -> _Reported:
        """Raises NotTaken, NeverTaken."""
        body = msgspec.json.encode({"fixes": fixes})
        try:
            return msgspec.json.decode(await self._post("/api/positions", body), type=_Reported)
        except NeverTaken as refusal:
            if str(refusal) == "token.scope":  # the same for every fix, until somebody mends it
                raise NotTaken("token.scope") from refusal
            raise

    async def alarm(self, unit: str, at_ms: int) -> None:
        """Raises NotTaken, NeverTaken."""
        body = msgspec.json.encode({"unit": unit, "at": at_ms})
        await self._post("/api/alarms", body)

    async def _post(self, path: str, body: bytes) -> bytes:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        try:
            answer = await self.http.post(path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotTaken(f"{type(error).__name__}") from error
        if answer.status_code < 300:
            return answer.content
        code = _code(answer.content)
        if answer.status_code in (401, 429) or answer.status_code >= 500:
            wait = answer.headers.get("Retry-After", "")
            pause = min(float(wait), 30.0) if wait.isdigit() else 0.0
            raise NotTaken(f"{answer.status_code} {code}".strip(), pause)
        raise NeverTaken(code or str(answer.status_code))

    def _token(self) -> str:
        try:
            return self.token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotTaken(f"{self.token_file.name}: {type(error).__name__}") from error


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Problem).code
    except msgspec.DecodeError:
        return ""


class Outbox:
    """A bounded queue to the server. One event loop."""

    def __init__(
        self, server: Server, counts: Counts, tell: Callable[[str], None], most: int = MOST_HELD
    ) -> None:
        self._server, self._counts, self._tell, self._most = server, counts, tell, most
        self._queue: deque[Carried] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        #: Units whose device goes on saying that its button is pressed.
        self._pressed: set[str] = set()
        self._trouble = ""

    def put(self, carried: Carried) -> None:
        """Never refuses: who reads devices waits for `room` before reading on."""
        self._queue.append(carried)
        self._counts.held += max(1, len(carried.fixes))
        self._filled.set()
        self._empty.clear()
        if self._counts.held >= self._most:
            self._room.clear()

    async def room(self) -> None:
        """Wait until more may be read."""
        await self._room.wait()

    async def empty(self) -> None:
        """Wait until the server has everything."""
        await self._empty.wait()

    async def run(self) -> None:
        """Send, until cancelled."""
        pause = _PAUSE_S
        while True:
            await self._filled.wait()
            batch = self._batch()
            try:
                await self._send(batch)
            except NotTaken as problem:
                self._say(str(problem))
                await asyncio.sleep(max(pause, problem.pause_s))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                continue
            self._say("")
            pause = _PAUSE_S
            self._done(batch)

    def _batch(self) -> list[Carried]:
        """As many messages as fit; they stay in the queue until they are taken."""
        found, fixes = list[Carried](), 0
        for one in self._queue:
            if found and fixes + len(one.fixes) > MOST_IN_BATCH:
                break
            found.append(one)
            fixes += len(one.fixes)
        return found

    async def _send(self, batch: list[Carried]) -> None:
        for one in batch:
            await self._alarm(one)
        fixes = [fix for one in batch for fix in one.fixes]
        for begin in range(0, len(fixes), MOST_IN_BATCH):
            await self._fixes(fixes[begin : begin + MOST_IN_BATCH])

    async def _fixes(self, fixes: list[Sent]) -> None:
        """A batch refused as a whole is taken apart, so that one bad fix costs only itself."""
        try:
            said = await self._server.positions(fixes)
        except NeverTaken as refusal:
            if len(fixes) == 1:
                self._counts.drop(_known(str(refusal)))
                return
            half = len(fixes) // 2
            await self._fixes(fixes[:half])
            await self._fixes(fixes[half:])
            return
        self._counts.add("positions", said.accepted)
        self._counts.add("duplicates", said.duplicates)
        for one in said.rejected:
            self._counts.drop(_known(one.code))

    async def _alarm(self, one: Carried) -> None:
        """Once for each time the button goes down: what people have ended must not come again
        from a terminal that goes on saying it."""
        if one.alarm is None:
            if one.fixes:
                self._pressed.discard(one.unit)
            return
        if one.unit in self._pressed:
            return
        try:
            await self._server.alarm(one.unit, one.alarm)
            self._counts.add("alarms")
        except NeverTaken as refusal:
            self._counts.drop(_known(str(refusal)))
            self._tell(f"报警未能显示 / an alarm could not be shown: {one.unit}: {refusal}")
        self._pressed.add(one.unit)

    def _done(self, batch: list[Carried]) -> None:
        for one in batch:
            self._queue.popleft()
            self._counts.held -= max(1, len(one.fixes))
            one.accepted()
        if self._counts.held < self._most:
            self._room.set()
        if not self._queue:
            self._filled.clear()
            self._empty.set()

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._tell(
                f"服务器未收下，重发中 / the server does not take it, sending again: {trouble}"
                if trouble
                else "服务器又在收了 / the server takes it again"
            )
        self._trouble = trouble


def _known(code: str) -> str:
    """A code as a label: only what looks like one of ours."""
    plain = code.replace(".", "").replace("_", "")
    return f"server.{code}" if plain.isalpha() and len(code) < 60 else "server.refused"


def client(url: str, ca: Path | None) -> httpx.AsyncClient:
    """A client of the server at `url`. `ca`: an authority of one's own. Raises OSError."""
    verify: Any = True
    if ca is not None:
        import ssl

        verify = ssl.create_default_context(cafile=str(ca))
    return httpx.AsyncClient(
        base_url=url, verify=verify, timeout=httpx.Timeout(30.0, connect=5.0), trust_env=False
    )
