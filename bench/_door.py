"""A server that takes positions of invented units, in a process of its own, for bench/positions.py.

    python bench/_door.py UNITS

prints one line of JSON when it is ready: {"port", "cookie"}. Then each line on its input is
answered by one of JSON: `cpu` (seconds this process has worked), `history` (rows of the history in
PostgreSQL), or an unknown word ends it.

The doors, the session and the history are the real ones. Only who may report for whom is not asked
of the register: it would have to hold a hundred thousand units.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import uvicorn

from _city import City, opened
from muster.api import telemetry, telemetry_live
from muster.api.live_wire import LiveProtocol
from muster.api.server import litestar_app
from muster.api.session import COOKIE
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions


def main() -> None:
    units = int(sys.argv[1])
    with opened() as city:
        server, port = serve(city, units)
        print(json.dumps({"port": port, "cookie": f"{COOKIE}={token(city)}"}), flush=True)
        for line in sys.stdin:
            if line.strip() == "cpu":
                print(json.dumps(time.process_time()), flush=True)
            elif line.strip() == "history":
                print(json.dumps(rows(city)), flush=True)
            else:
                break
        server.should_exit = True
        time.sleep(0.5)


def serve(city: City, units: int) -> tuple[uvicorn.Server, int]:
    """The application with every unit on duty, on a free port, in a thread."""
    platform, positions = city.system.platform, city.system.positions
    since = platform.clock.now() - timedelta(days=1)
    everyone = {f"unit-{number:06d}": since for number in range(units)}

    def crewed(_actor: Any) -> telemetry.OnDuty:
        return everyone

    app = litestar_app(
        platform,
        web=None,
        more_routes=(
            telemetry.route(positions, crewed),
            telemetry_live.route(platform, positions, crewed),
        ),
        start=positions.start,
        stop=positions.stop,
    )
    config = uvicorn.Config(
        app,
        port=0,
        log_config=None,
        access_log=False,
        ws=LiveProtocol,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return server, int(server.servers[0].sockets[0].getsockname()[1])


def token(city: City) -> str:
    platform = city.system.platform
    sessions = Sessions(platform.pool, Passwords(testing=True))
    with platform.pool.connection() as connection:
        return sessions.open_for(connection, city.dispatcher.person)[0]


def rows(city: City) -> int:
    city.system.positions.flush()
    with city.system.platform.pool.connection() as connection:
        found = connection.execute("SELECT count(*) FROM position").fetchone()
    assert found is not None
    return int(found[0])


if __name__ == "__main__":
    main()
