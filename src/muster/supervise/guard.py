"""A guard: the small parent that every program of ours lives under.

Run as a script of its own (`python -I -S guard.py FD ORDERS`), standard library only. `FD` is one
end of a socket pair whose other end only the supervisor holds; ORDERS is JSON:

    command   what to run, as a list
    account   "self" | "namespace" | "other": see `become`
    stop      [[signal, seconds], …] tried in turn before SIGKILL
    death     the signal the program gets from the kernel if the guard itself is killed

Why a process in between, and not PR_SET_PDEATHSIG alone: entering a user namespace clears it,
it cannot stop a program in an orderly way, and it does not reach grandchildren. The guard sees
the supervisor die (end of file on the socket), stops the program as asked, and, being the
subreaper, gets and kills every process the program leaves behind, whatever session it moved to.
Guard killed: the program gets `death` from the kernel. Both killed: see processes.py.

It tells the supervisor `pid N` once, and `exit CODE` at the end (negative: by that signal).
It is told `stop` or `kill`.
"""

import ctypes
import json
import os
import pwd
import select
import signal
import socket
import struct
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
CANNOT_RUN = 127

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, first: int, second: int = 0) -> None:
    words = [ctypes.c_ulong(word) for word in (first, second, 0, 0)]
    if libc.prctl(ctypes.c_int(option), *words) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


def named_id() -> int:
    """A user id that has a name here: PostgreSQL's initdb refuses one without."""
    try:
        return pwd.getpwuid(NOBODY).pw_uid
    except KeyError:
        return next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)


def enter_namespace() -> None:
    """Look like an ordinary user to ourselves, and stay who we are to the file system."""
    user, group, seen = os.geteuid(), os.getegid(), named_id()
    if libc.unshare(CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{seen} {user} 1"),
        ("gid_map", f"{seen} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib costs start time
            file.write(text)


def change_user() -> None:
    """Become another user for good, keeping only the right to pass folders that are not its own."""
    wanted = named_id()
    prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(wanted, wanted, wanted)
    os.setresuid(wanted, wanted, wanted)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    bit = 1 << CAP_DAC_OVERRIDE
    if libc.capset(header, struct.pack("6I", bit, bit, bit, 0, 0, 0)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def become(account: str) -> None:
    """PostgreSQL refuses to run as root. "namespace" maps root to an ordinary number, so files
    stay root's; "other" changes to another user where namespaces are blocked; "self" does nothing.
    """
    if account == "namespace":
        enter_namespace()
    elif account == "other":
        change_user()


def child(command: list[str], account: str, death: int) -> None:
    """What the forked child does: never returns."""
    try:
        guard = os.getppid()
        signal.set_wakeup_fd(-1)
        for number in (*HANDLED, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        become(account)
        # After `become`: a change of credentials clears it.
        prctl(PR_SET_PDEATHSIG, death)
        if os.getppid() != guard:
            os._exit(CANNOT_RUN)
        os.execvp(command[0], command)
    except BaseException as error:
        os.write(2, f"guard: cannot run {command[0]}: {error}\n".encode())
        os._exit(CANNOT_RUN)


def children() -> list[int]:
    """Our children now, those adopted as subreaper included."""
    me, found = os.getpid(), []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The second field, the name, may hold anything, parentheses too.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == me:
            found.append(int(name))
    return found


class Guard:
    def __init__(self, channel: socket.socket, orders: dict[str, object]) -> None:
        self.channel = channel
        self.steps = [(int(s), float(t)) for s, t in orders["stop"]]  # type: ignore[attr-defined]
        self.parent = os.getppid()
        self.stopping = False
        self.deadline: float | None = None
        self.code: int | None = None
        self.pid = 0

    def tell(self, words: str) -> None:
        try:
            self.channel.sendall(words.encode() + b"\n")
        except OSError:
            pass  # the supervisor is gone, which the loop sees for itself

    def signal_child(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)  # not yet waited for, so the number is still the child's

    def next_step(self) -> None:
        """The next, harsher way to ask the program to end."""
        self.stopping = True
        number, seconds = self.steps.pop(0) if self.steps else (int(signal.SIGKILL), 5.0)
        self.deadline = time.monotonic() + seconds
        self.signal_child(number)

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.code = os.waitstatus_to_exitcode(status)

    def sweep(self) -> None:
        """Collect whatever the program left behind: at once if it was killed, else after a second
        in which its helpers (PostgreSQL's log writer) may finish by themselves."""
        grace = time.monotonic() + (1.0 if (self.code or 0) >= 0 else 0.0)
        while left := children():
            if time.monotonic() < grace:
                time.sleep(0.01)
            else:
                for pid in left:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                time.sleep(0.002)
            self.reap()

    def hear(self) -> bool:
        """A word from the supervisor; False once it will never speak again (it died, or let go)."""
        try:
            words = self.channel.recv(64)
        except OSError:
            words = b""
        if b"kill" in words:
            self.steps = []
            self.next_step()
        elif not self.stopping:
            self.next_step()
        return bool(words)

    def watch(self, wakeup: int) -> int:
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(wakeup, select.POLLIN)
        while self.code is None:
            for number, _ in poll.poll(500):
                if number == wakeup:
                    signals = os.read(wakeup, 64)
                    if signal.SIGTERM in signals and not self.stopping:
                        self.next_step()
                elif not self.hear():
                    poll.unregister(self.channel)
            self.reap()
            # A process forked from the supervisor may hold the other end open: ask who our
            # parent is, too.
            if not self.stopping and os.getppid() != self.parent:
                self.next_step()
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.next_step()
        self.sweep()
        return self.code


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    orders = json.loads(sys.argv[2])
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in HANDLED:
        signal.signal(number, lambda *_: None)
    try:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    except OSError:
        pass  # an old kernel: what is left behind is found on the next start instead
    guard = Guard(channel, orders)
    # Blocked over the fork: a signal sent to the child before it has dropped our handlers would
    # otherwise be swallowed by them, and the program would never hear that it should end.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    guard.pid = os.fork()
    if guard.pid == 0:
        child(orders["command"], orders["account"], int(orders["death"]))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    guard.tell(f"pid {guard.pid}")
    code = guard.watch(read)
    guard.tell(f"exit {code}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
