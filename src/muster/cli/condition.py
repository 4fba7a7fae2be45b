"""What a server says of itself at /readyz, for the terminal it was started in."""

from __future__ import annotations

import json
import threading

from muster.cli.ports import ask
from muster.supervise.postgres import Say


class Listener:
    """`alive` is asked by the thread that feels the pulse, `tell` by the supervisor's own."""

    def __init__(self, scheme: str, host: str, port: int, say: Say) -> None:
        self._where = scheme, host, port
        self._say = say
        self._lock = threading.Lock()
        self._heard: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()

    def alive(self) -> bool:
        """Whether the process answers at all; remembers what it said."""
        answer = ask(*self._where, "/readyz")
        if answer is None:
            return False
        with self._lock:
            self._heard = said(answer[1])
        return True

    def tell(self) -> None:
        """Say what is new, and what is over, once each."""
        with self._lock:
            heard = self._heard
        for words in sorted(heard - self._told):
            self._say(f"注意 / note: {words}")
        for words in sorted(self._told - heard):
            self._say(f"已过去 / over: {words}")
        self._told = heard


def said(body: bytes) -> frozenset[str]:
    """The subjects of reasons and notes, without numbers that change at every look."""
    try:
        found = json.loads(body)
        words = [*found["reasons"], *found["notes"]]
    except (ValueError, TypeError, KeyError):
        return frozenset()
    return frozenset(_steady(str(one)) for one in words)


def _steady(words: str) -> str:
    """`database: no answer for 5 s` and `… for 6 s` are one thing to tell."""
    for counted in ("no answer for", "full,", "in use", "left for"):
        if counted in words and not words.startswith("clock"):
            subject = words.split(": ", 1)[0]
            return f"{subject}: {_PLAIN.get(counted, counted)}"
    return words


_PLAIN = {
    "no answer for": "没有应答 / gives no answer",
    "full,": "满了 / full",
    "in use": "快用完了 / nearly all in use",
    "left for": "快满了 / nearly full",
}
