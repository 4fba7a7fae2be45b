"""A recorded day at full speed through real HTTP: calls a second, beside a server doing nothing.

    ours: calls a second of London's 23 February 2017 (525 calls), from the first unit signing on to
          the last matter archived, one request at a time over kept-alive connections
    peer: calls a second if each of the same number of requests were GET /healthz, which neither
          authorises nor reads nor writes, asked of the same server by the same kind of client
    unit: calls/s; ratio: ours/peer, the share of the time that is HTTP and nothing else

Without the open data beside the project an invented day of as many calls is played instead.
"""

from __future__ import annotations

import csv
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3

from muster.cli.instance import Plan, start
from muster.geography.pack import load
from muster.journal.clock import monotonic
from muster.simulate import replay
from muster.simulate.day import Day
from muster.simulate.ground import Ground
from muster.simulate.people import Accounts
from muster.supervise.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent
LONDON = ROOT.parent / "shared" / "data" / "calls" / "london_fire_2017_jan_mar.csv.gz"
DAY = date(2017, 2, 23)
CALLS = 525
HEALTHZ = 2000
#: The invented day has the columns this map reads.
INVENTED_MAP = """
[map]
name_zh = "虚构的一天"
name_en = "an invented day"
timezone = "UTC"
attribution = "invented"
[number]
column = "number"
[reported_at]
columns = ["at"]
format = "%Y-%m-%d %H:%M:%S"
[place]
x = "lon"
y = "lat"
[category]
columns = ["category"]
[station]
column = "station"
"""


def run() -> dict[str, Any]:
    """Play the day at an instance of its own, then ask it for nothing as fast as it answers."""
    began = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="muster-replay-") as name:
        folder = Path(name) / "data"
        with Supervisor(folder, print) as supervisor:
            started = Started(supervisor, folder)
            file, columns = recorded(Path(name))
            options = replay.ReplayOptions(
                file=file, map=columns, work=folder, start=started, day=DAY
            )
            report = replay.run(options)
            nothing = healthz_per_second(started.url)
    peer = nothing / (report.requests / report.calls)
    return {
        "name": "replay",
        "ours": report.calls_per_s,
        "peer": round(peer, 3),
        "ratio": round(report.calls_per_s / peer, 3),
        "unit": "calls/s",
        "n": report.calls,
        "load": began,
        "requests": report.requests,
        "requests_per_s": round(report.requests / report.real_s, 1),
        "lost": report.lost,
        "doubled": report.doubled,
        "file": report.file,
        "failed": bool(report.lost or report.doubled or report.faults or report.left_open),
    }


@dataclass
class Started:
    """Starts the instance the replay asks for; the supervisor ends it after the measurement."""

    supervisor: Supervisor
    folder: Path
    url: str = ""
    accounts: Accounts | None = None

    def __call__(self, city: Path, first: datetime, speed: replay.Speed) -> Any:
        plan = Plan(
            data=self.folder,
            city=city,
            host="127.0.0.1",
            port=0,
            clock="driven",
            clock_start=first,
            demo=True,
        )
        running = start(self.supervisor, plan)
        self.url = running.url
        self.accounts = Accounts(password=running.prepared["simulator_password"])
        return self

    def stop(self) -> None:
        pass


def recorded(folder: Path) -> tuple[Path, Path]:
    """London's file and map, or an invented day of as many calls round the stations of 舟山."""
    if LONDON.exists():
        return LONDON, ROOT / "cities" / "import" / "london_fire.toml"
    columns = folder / "invented.toml"
    columns.write_text(INVENTED_MAP, "utf-8")
    pack = load(ROOT / "cities" / "zhoushan")
    stations = [one for one in pack.organisations.values() if one.tier == "station"]
    calls = [
        call
        for days in range(30)
        for call in Day(pack, Ground(pack), seed="bench").calls(DAY + timedelta(days=days))
    ]
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    file = folder / "invented.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(("number", "at", "lon", "lat", "category", "station"))
        for number, call in enumerate(calls[:CALLS]):
            at = midnight + timedelta(seconds=number * 86_000 / CALLS)
            near = min(stations, key=lambda s: abs(s.lon - call.lon) + abs(s.lat - call.lat))
            shown = f"{at:%Y-%m-%d %H:%M:%S}"
            writer.writerow((number, shown, call.lon, call.lat, call.category, near.id))
    return file, columns


def healthz_per_second(url: str) -> float:
    """Requests a second to the endpoint that does nothing, one after the other."""
    http = urllib3.PoolManager(retries=False)
    began = monotonic()
    for _ in range(HEALTHZ):
        assert http.request("GET", f"{url}/healthz").status == 200
    return HEALTHZ / (monotonic() - began)
