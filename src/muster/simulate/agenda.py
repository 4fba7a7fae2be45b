"""The agenda: what happens next, in clock time. Two ways to play it.

*Driven*: one step after the other, each request carrying the step's time; the server's clock
follows. The same seed gives the same day. *Live*: steps wait until the server's own clock
reaches them; several workers, so that nobody waits for somebody else's slow answer.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from muster.journal.clock import monotonic

Step = Callable[[datetime], None]

#: A live worker looks again at the clock at least this often (real seconds).
_NAP_S: Final = 0.5


class Agenda:
    """Steps in order of their time; steps of the same moment in the order they were put in."""

    def __init__(self) -> None:
        self._steps: list[tuple[datetime, int, Step]] = []
        self._put = 0
        self._running = 0
        #: Clock seconds by which the latest live steps were taken after their time.
        self.late_s: deque[float] = deque(maxlen=20_000)
        self._changed = threading.Condition()

    def at(self, when: datetime, step: Step) -> None:
        """Do `step` at `when`; it is given the moment at which it really happens."""
        with self._changed:
            self._put += 1
            heapq.heappush(self._steps, (when, self._put, step))
            self._changed.notify()

    def after(self, now: datetime, seconds: float, step: Step) -> None:
        self.at(now + timedelta(seconds=seconds), step)

    def __len__(self) -> int:
        return len(self._steps)

    def pop(self) -> tuple[datetime, Step] | None:
        """The next step, or None when there is none."""
        with self._changed:
            if not self._steps:
                return None
            when, _, step = heapq.heappop(self._steps)
            return when, step

    def pop_due(self, clock: LiveClock) -> tuple[datetime, Step] | None:
        """Wait a little for the next step to become due. None: not yet, look again."""
        with self._changed:
            now = clock.now()
            if self._steps and self._steps[0][0] <= now:
                self._running += 1
                when, _, step = heapq.heappop(self._steps)
                self.late_s.append((now - when).total_seconds())
                return now, step
            wait = _NAP_S
            if self._steps:
                left = (self._steps[0][0] - now).total_seconds() / clock.speed
                wait = min(wait, max(left, 0.001))
            self._changed.wait(wait)
            return None

    def done(self) -> None:
        """A step taken with `pop_due` is over."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing runs."""
        with self._changed:
            return not self._steps and not self._running

    @property
    def alone(self) -> bool:
        """Asked by a running step: nothing waits and no other step runs."""
        with self._changed:
            return not self._steps and self._running <= 1


class LiveClock(Protocol):
    """The server's clock as a client knows it."""

    @property
    def speed(self) -> float: ...

    def now(self) -> datetime: ...


class ServerTime:
    """The server's clock, reckoned from what it last said; never ahead of it but for drift."""

    def __init__(self, said: datetime, speed: float) -> None:
        self.speed = speed
        self._said, self._heard = said, monotonic()

    def heard(self, said: datetime, speed: float) -> None:
        """The server said its time again."""
        self.speed, self._said, self._heard = speed, said, monotonic()

    def now(self) -> datetime:
        return self._said + timedelta(seconds=(monotonic() - self._heard) * self.speed)


def play_driven(agenda: Agenda, told: Callable[[datetime], None], stop: threading.Event) -> None:
    """Take every step in order, telling `told` its moment first, until none is left."""
    latest: datetime | None = None
    while not stop.is_set() and (found := agenda.pop()) is not None:
        when, step = found
        # A step may be put in for a moment already past; time itself never goes back.
        latest = when if latest is None else max(when, latest)
        told(latest)
        step(latest)


class Workers:
    """Threads that take live steps until stopped or, with `drain`, until nothing is left."""

    def __init__(
        self, agenda: Agenda, clock: LiveClock, stop: threading.Event, *, count: int = 6
    ) -> None:
        self._agenda, self._clock, self._stop = agenda, clock, stop
        self._drain = False
        self.failure: BaseException | None = None
        #: A step failed of itself, not because we were told to stop.
        self.failed_first = False
        self._threads = [
            threading.Thread(target=self._work, name=f"simulate-{number}", daemon=True)
            for number in range(count)
        ]

    def run(self, *, drain: bool) -> None:
        """Blocks. Raises what a step raised, after the other workers have stopped."""
        self._drain = drain
        for thread in self._threads:
            thread.start()
        try:
            for thread in self._threads:
                while thread.is_alive():
                    thread.join(0.5)
        except KeyboardInterrupt:
            self._stop.set()
            for thread in self._threads:
                thread.join()
            raise
        if self.failure is not None:
            raise self.failure

    def _work(self) -> None:
        while not self._stop.is_set() and not (self._drain and self._agenda.idle):
            found = self._agenda.pop_due(self._clock)
            if found is None:
                continue
            now, step = found
            try:
                step(now)
            except BaseException as error:
                if self.failure is None:
                    self.failure, self.failed_first = error, not self._stop.is_set()
                self._stop.set()
            finally:
                self._agenda.done()
