"""Noticing that a program lives and does not answer any more.

A thread of its own asks, because a program that hangs may keep a question waiting, and the
supervisor has other services to look after meanwhile. What counts are questions without an
answer, not seconds: a machine that slept asks anew before it judges.
"""

import threading
from collections.abc import Callable


class Pulse:
    """Asks `answers` every `every_s` seconds; lost after `misses` questions without an answer."""

    def __init__(
        self, answers: Callable[[], bool], *, every_s: float = 2.0, misses: int = 4
    ) -> None:
        self._answers = answers
        self._every, self._misses = every_s, misses
        self._missed = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Count from now on; the program has just answered."""
        self._missed = 0
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="pulse", daemon=True)
            self._thread.start()

    def lost(self) -> bool:
        return self._missed >= self._misses

    def stop(self) -> None:
        self._ended.set()

    def _ask(self) -> None:
        while not self._ended.wait(self._every):
            if self._answers():
                self._missed = 0
            else:
                self._missed += 1
