"""A Muster kept alive by its supervisor, for bench/soak.py to kill.

    python bench/_kept.py DATA PORT SPEED

prints one line of JSON when it is ready: {"url", "accounts", "owner_dsn", "app_dsn"}. Then a line
`server` or `database` on its input kills that process with SIGKILL, which is answered with a line
`killed` (or `dead already`); `restart` replaces the server and `hang` stops it where it stands
(SIGSTOP); the end of the input stops everything in order.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from muster.cli import instance
from muster.supervise import kept as keeping
from muster.supervise.postgres import attached
from muster.supervise.supervisor import Supervisor

CITY = Path(__file__).resolve().parent.parent / "cities" / "zhoushan"


def main() -> None:
    data, port, speed = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    # Services die here every few seconds on purpose: start them again at once, not ever later.
    keeping.SETTLED, keeping.LAST_DELAY = 0.1, keeping.FIRST_DELAY
    plan = instance.Plan(
        data=data,
        city=CITY,
        host="127.0.0.1",
        port=port,
        clock="scaled",
        speed=speed,
        demo=True,
        testing=True,
    )
    with Supervisor(data, say) as supervisor:
        kept = instance.start(supervisor, plan)
        database = attached(data)
        ready = {
            "url": kept.url,
            "accounts": kept.prepared["accounts"],
            "owner_dsn": database.owner_dsn,
            "app_dsn": database.app_dsn,
        }
        print(json.dumps(ready), flush=True)
        threading.Thread(target=obey, args=(supervisor,), daemon=True).start()
        supervisor.watch()


def resident_kb(process: int) -> int:
    """0 when it is not there any more."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return 0
    return next((int(row.split()[1]) for row in status.splitlines() if row[:6] == "VmRSS:"), 0)


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def servers(supervisor: Supervisor) -> list[int]:
    """Process ids of the server, none while it is being started again."""
    children = [k.service.child() for k in supervisor._kept if k.service.name[1] == "server"]
    return [child.pid for child in children if child is not None and child.pid]


def obey(supervisor: Supervisor) -> None:
    """Kill what a line names; end when nobody speaks to us any more."""
    for line in sys.stdin:
        if line.strip() == "restart":
            os.kill(os.getpid(), signal.SIGUSR2)
            print("asked", flush=True)
            continue
        if line.strip() == "memory":
            print(sum(map(resident_kb, servers(supervisor))), flush=True)
            continue
        number = signal.SIGSTOP if line.strip() == "hang" else signal.SIGKILL
        wanted = "server" if line.strip() == "hang" else line.strip()
        for kept in supervisor._kept:
            child = kept.service.child()
            if kept.service.name[1] == wanted and child is not None and child.pid:
                try:
                    os.kill(child.pid, number)
                    print("killed", flush=True)
                except ProcessLookupError:  # and about to be started again
                    print("dead already", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
