"""A supervisor to be killed by tests: the embedded PostgreSQL and two idle programs.

`python town.py FOLDER` prints `up` when all is ready, and whatever the supervisor says. The
programs write their process numbers into FOLDER/first and FOLDER/second; FOLDER/ends gets a line
when each was asked to end. With a file FOLDER/deaf the second ignores being asked.
"""

import sys
from pathlib import Path

from muster.supervise.child import Program
from muster.supervise.postgres import Postgres
from muster.supervise.supervisor import PostgresService, ProgramService, Supervisor
from muster.supervise.trouble import Trouble

PROGRAM = """
import os, signal, sys, time
folder, name = sys.argv[1:]
def end(*_):
    with open(folder + "/ends", "a") as file:
        file.write(name + "\\n")
    if not os.path.exists(folder + "/deaf"):
        sys.exit(0)
signal.signal(signal.SIGTERM, end)
if os.fork() == 0:
    os.setsid()  # a grandchild that tries to get away
    name += "-away"
with open(folder + "/" + name + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(folder + "/" + name + ".new", folder + "/" + name)
while True:
    time.sleep(60)
"""


def say(words: str) -> None:
    print(words, flush=True)


def idle(folder: Path, name: str) -> ProgramService:
    command = [sys.executable, "-c", PROGRAM, str(folder), name]
    program = Program(command, output=folder / "log" / f"{name}.log")
    return ProgramService(
        (name, name), program, lambda: None if (folder / f"{name}-away").exists() else "no file"
    )


def main(folder: Path) -> int:
    try:
        with Supervisor(folder, say) as supervisor:
            supervisor.keep(PostgresService(Postgres(folder, say)))
            supervisor.keep(idle(folder, "first"))
            supervisor.keep(idle(folder, "second"))
            say("up")
            supervisor.watch()
    except Trouble as trouble:
        say(str(trouble))
        return 1
    say("down")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
