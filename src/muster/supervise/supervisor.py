"""Keeps services alive, in order, until told to stop; then stops them in the other order.

    with Supervisor(folder, say) as supervisor:
        supervisor.keep(PostgresService(folder, say))   # returns when it is ready
        supervisor.once("migrations", program)          # a program that ends by itself
        supervisor.keep(ProgramService("server", program, probe))
        supervisor.watch()                              # until SIGINT, SIGTERM or SIGHUP

Each service lives under a guard (guard.py), so kill -9 of anything, this process included,
leaves nothing running. A service that dies is started again, later each time it dies soon; one
that lives and does not answer any more (`pulse`) is ended and started again. SIGUSR2 replaces
those that can be replaced, each by a successor that is ready to take over before it ends.
"""

import contextlib
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType

from muster.supervise import lock
from muster.supervise.child import Child, Program
from muster.supervise.kept import Chore, Kept, Service
from muster.supervise.postgres import Postgres, Say
from muster.supervise.pulse import Pulse
from muster.supervise.trouble import Trouble

LOW_BYTES = 256 << 20
LOG_BYTES = 20 << 20


class Stopped(Exception):
    """A signal asked us to stop; the `with` block of the supervisor ends quietly."""


class PostgresService:
    """The embedded PostgreSQL as a service."""

    name = ("数据库", "database")
    successor: Child | None = None
    pulse: Pulse | None = None

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._prepared = False

    def prepare(self) -> bool:
        return False

    def waiting(self) -> bool:
        return False

    def succeed(self) -> None:
        """It has no successor."""

    def give_up(self) -> Trouble:
        return self.reason()

    def launch(self) -> None:
        self.server.launch()

    def child(self) -> Child | None:
        return self.server.child

    def missing(self) -> str | None:
        words = self.server.answer()
        if words is None and not self._prepared:
            self.server.ensure_roles()
            self._prepared = True
        return words

    def reason(self) -> Trouble:
        return self.server.reason_for_end()


class ProgramService:
    """Any other program as a service, with its output in a log file of bounded size.

    `probe` says what is missing for it to be ready, None when it is. `standby` is the file in
    which a successor writes its process number once it only waits for the old one to end; without
    it the program cannot be replaced. `pulse` asks whether it still answers.
    """

    def __init__(
        self,
        name: tuple[str, str],
        program: Program,
        probe: Callable[[], str | None],
        *,
        standby: Path | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self.name = name
        self.program = program
        self.missing = probe
        self.pulse = pulse
        self.successor: Child | None = None
        self._standby = standby
        self._child: Child | None = None

    def prepare(self) -> bool:
        if self._standby is None:
            return False
        self._standby.unlink(missing_ok=True)
        self.successor = Child(self.program)
        return True

    def waiting(self) -> bool:
        there = self._standby is not None and self.successor is not None and self._standby.exists()
        return there and bool(self.successor and self.successor.alive)

    def succeed(self) -> None:
        self._child, self.successor = self.successor, None

    def give_up(self) -> Trouble:
        why = ended(self.name, self.successor, self.program.output)
        self.successor = None
        return why

    def launch(self) -> None:
        if self.program.output is not None:
            shorten(self.program.output)
        self._child = Child(self.program)

    def child(self) -> Child | None:
        return self._child

    def reason(self) -> Trouble:
        return ended(self.name, self._child, self.program.output)


class Supervisor:
    """Holds the data folder's lock and keeps services; see the module. One thread."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder = folder
        self.say = say
        self._kept: list[Kept] = []
        self._signals = 0
        self._excused = 0
        self._before: dict[int, object] = {}
        self._stack = contextlib.ExitStack()
        self._low = False
        self._looked = 0.0
        self._replace = False
        self._chores: list[Chore] = []

    def __enter__(self) -> "Supervisor":
        self._stack.enter_context(lock.held(self.folder))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._on_signal)
        self._before[signal.SIGUSR2] = signal.signal(signal.SIGUSR2, self._on_replace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        try:
            for kept in reversed(self._kept):
                if kept.service.pulse is not None:
                    kept.service.pulse.stop()
                self._end(kept.service.successor)
                self._end(kept.service.child())
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            self._stack.close()
        return kind is Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _on_replace(self, _number: int, _frame: FrameType | None) -> None:
        self._replace = True

    def every(self, seconds: float, chore: Callable[[], None]) -> None:
        """Do something short again and again from now on, between looking after the services."""
        self._chores.append(Chore(seconds, chore))

    def _end(self, child: Child | None) -> None:
        """Stop a child in order; a second signal means: at once."""
        if child is not None and child.alive:
            child.ask_to_stop()
            while not child.listen(0.1):
                if self._signals > 1:
                    child.kill()

    def keep(self, service: Service) -> None:
        """Start a service, wait until it is ready, and keep it alive from now on.

        Raises Trouble if it ends before it was ever ready, Stopped on a signal.
        """
        service.launch()
        kept = Kept(service, self.say)
        self._kept.append(kept)
        began = told = time.monotonic()
        while (words := kept.first_look()) is not None:
            self._tick(0.05)
            if time.monotonic() - told > 3.0:
                told = time.monotonic()
                zh, en = service.name
                self.say(
                    f"等待{zh}就绪 {told - began:.0f} 秒 / waiting for the {en} "
                    f"{told - began:.0f} s: {words}"
                )

    def once(self, name: tuple[str, str], program: Program) -> None:
        """Run a program to its end, keeping the services meanwhile.

        Raises Trouble with the end of its output unless it exits with 0, Stopped on a signal.
        """
        child = Child(program)
        try:
            while not child.listen(0.02):
                self._tick(0.05)
        except BaseException:
            self._end(child)
            raise
        if child.code != 0:
            raise ended(name, child, program.output)

    def watch(self) -> None:
        """Keep the services alive until a signal comes: then raises Stopped."""
        while True:
            self._tick(0.25)

    def watch_until(self, done: Callable[[], bool], ask: Callable[[], None]) -> None:
        """Keep the services alive until `done()`. The first signal calls `ask`, so that whoever
        works can come to an end; the second raises Stopped."""
        while not done():
            if self._signals == 1 and self._excused == 0:
                self._excused = 1
                ask()
            self._tick(0.05)

    def _tick(self, seconds: float) -> None:
        if self._signals > self._excused:
            self.say("正在停止 / stopping")
            raise Stopped
        if self._replace:
            self._replace = False
            for kept in self._kept:
                kept.replace()
        for kept in self._kept:
            kept.look()
        for chore in self._chores:
            chore.look()
        self._look_at_disk()
        time.sleep(seconds)  # a signal does not cut it short, so it stays small

    def _look_at_disk(self) -> None:
        """Say once that the disk is nearly full, before PostgreSQL has to stop."""
        if time.monotonic() - self._looked < 30.0:
            return
        self._looked = time.monotonic()
        free = shutil.disk_usage(self.folder).free
        if free < LOW_BYTES and not self._low:
            self.say(
                f"磁盘快满了：{self.folder} 只剩 {free >> 20} MB / the disk is nearly full: "
                f"{free >> 20} MB left for {self.folder}"
            )
        self._low = free < LOW_BYTES
        for kept in self._kept:
            child = kept.service.child()
            if child is not None and child.program.output is not None:
                shorten(child.program.output)


def ended(name: tuple[str, str], child: Child | None, output: Path | None) -> Trouble:
    """The sentence for a program that ended: by which signal, or with the last lines it wrote."""
    zh, en = name
    code = child.code if child else None
    where = f"（日志 {output}）" if output else ""
    if code == -signal.SIGKILL:
        return Trouble(
            f"{zh}被强行终止（信号 9）：若无人这样做，多半是内存不足",
            f"The {en} was killed (signal 9): unless somebody did, the machine ran out of memory",
        )
    if code is not None and code < 0:
        return Trouble(f"{zh}被信号 {-code} 终止", f"The {en} was ended by signal {-code}")
    words = ""
    if output is not None and output.exists():
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - 2000))
            words = "\n".join(file.read().decode(errors="replace").splitlines()[-12:])
    return Trouble(
        f"{zh}意外结束（{code}）{where}",
        f"The {en} ended ({code}). Its last lines:\n{words}" if words else f"The {en} ended.",
    )


def shorten(log: Path) -> None:
    """Move a log that has grown past its size aside (one old one is kept). The writer appends,
    so it goes on in the emptied file."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(log.suffix + ".1"))
        with log.open("r+b") as file:
            file.truncate(0)
