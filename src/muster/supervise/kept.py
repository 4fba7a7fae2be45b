"""One service that is kept alive: noticing its end, starting it again, replacing it."""

import time
from collections.abc import Callable
from typing import Protocol

from muster.supervise.child import Child
from muster.supervise.postgres import Say
from muster.supervise.pulse import Pulse
from muster.supervise.trouble import Trouble

FIRST_DELAY, LAST_DELAY = 0.2, 15.0  # seconds before a restart: doubled at each early death
SETTLED = 30.0  # seconds of life after which a death counts as the first again


class Service(Protocol):
    """Something to keep alive. `name` is (zh, en). `successor` is the process that waits to take
    over, if one was asked for; `pulse` notices that it hangs."""

    name: tuple[str, str]
    successor: Child | None
    pulse: Pulse | None

    def launch(self) -> None:
        """Start the process; raises Trouble if that is impossible now."""

    def child(self) -> Child | None:
        """The running or ended process; None before the first launch."""

    def missing(self) -> str | None:
        """What is still missing for it to be ready; None when it is. May be asked often."""

    def reason(self) -> Trouble:
        """Why it ended."""

    def prepare(self) -> bool:
        """Start a successor; False if such a service has none and is left alone."""

    def waiting(self) -> bool:
        """Whether the successor only waits for the old one to end."""

    def succeed(self) -> None:
        """The old one has ended: the successor is the service now."""

    def give_up(self) -> Trouble:
        """Forget a successor that ended before its turn; why it did."""


class Kept:
    """A service and where it stands: starting (for the first time), ready, waiting (it ended, and
    is started again when due), again (started again, not ready yet), preparing (a successor gets
    ready while it goes on) or handing (it was asked to end, the successor waits)."""

    def __init__(self, service: Service, say: Say) -> None:
        self.service = service
        self.say = say
        self.state = "starting"
        self.delay = FIRST_DELAY
        self.began = time.monotonic()
        self.due = 0.0
        self.asked = 0.0

    def first_look(self) -> str | None:
        """Before it was ever ready an end is trouble, not something to repair."""
        child = self.service.child()
        if child is None or not child.alive:
            raise self.service.reason()
        words = self.service.missing()
        if words is None:
            self._ready()
        return words

    def look(self) -> None:
        """Notice an end, start again when due, notice that it is ready again."""
        now = time.monotonic()
        child = self.service.child()
        lives = child is not None and child.alive
        if self.state == "waiting":
            if now >= self.due:
                self._again(now)
        elif self.state in ("preparing", "handing"):
            self._hand_over(now, lives=lives)
        elif self.state != "starting" and not lives:
            self._ended(now)
        elif self.state == "ready":
            self._look_at_pulse()
        elif self.state == "again" and now - self.asked > 0.5:
            self.asked = now
            if self.service.missing() is None:
                self._ready()
                zh, en = self.service.name
                self.say(f"{zh}已恢复 / the {en} is back")

    def replace(self) -> None:
        """Begin to replace it by a successor, unless something else is under way."""
        if self.state == "ready" and self.service.prepare():
            self.state = "preparing"
            zh, en = self.service.name
            self.say(f"正在准备接替的{zh} / getting the next {en} ready")

    def _ready(self) -> None:
        self.state = "ready"
        if self.service.pulse is not None:
            self.service.pulse.begin()

    def _look_at_pulse(self) -> None:
        pulse, child = self.service.pulse, self.service.child()
        if pulse is not None and child is not None and pulse.lost():
            zh, en = self.service.name
            self.say(
                f"{zh}没有应答，强制结束并重新启动 / the {en} lives and does not answer: "
                "it is ended and started again"
            )
            child.kill()

    def _hand_over(self, now: float, *, lives: bool) -> None:
        child, successor = self.service.child(), self.service.successor
        if not lives:
            self.service.succeed()
            self.state, self.began = "again", now
        elif successor is None or not successor.alive:
            zh, en = self.service.name
            self.say(f"接替的{zh}没有起来，原来的继续运行 / the next {en} failed; this one goes on")
            self.say(str(self.service.give_up()))
            self.state = "ready"
        elif self.state == "preparing" and self.service.waiting() and child is not None:
            self.state = "handing"
            child.ask_to_stop()

    def _ended(self, now: float) -> None:
        if now - self.began > SETTLED:
            self.delay = FIRST_DELAY
        self.say(str(self.service.reason()))
        self._wait(now)

    def _wait(self, now: float) -> None:
        self.state = "waiting"
        self.due = now + self.delay
        self.delay = min(self.delay * 2, LAST_DELAY)

    def _again(self, now: float) -> None:
        zh, en = self.service.name
        self.say(f"重新启动{zh} / starting the {en} again")
        self.began = now
        try:
            self.service.launch()
            self.state = "again"
        except Trouble as trouble:
            self.say(str(trouble))
            self._wait(now)


class Chore:
    """Something short to do again and again."""

    def __init__(self, seconds: float, chore: Callable[[], None]) -> None:
        self._seconds = seconds
        self._chore = chore
        self._due = time.monotonic() + seconds

    def look(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._seconds
            self._chore()
