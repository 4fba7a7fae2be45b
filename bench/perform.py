"""The whole of `perform` against a plain one-row INSERT and COMMIT.

Ours: a remark on an existing incident (lock, authorise, read and fold, decide, seal, append,
keep, answer, commit), and a report that opens one. Peer: one row of the same size through the same
driver, pool, process and number of callers. Rounds alternate; medians of rounds are compared.

    aim: at least 0.35 of the peer's rate; at a paced 200 commands a second p99 <= 20 ms
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg

from _city import City, load, median, opened, quantile

CALLERS = (1, 8, 32)
MATTERS = 400
PACE = 200
PEER = """CREATE TABLE peer (matter uuid, number bigint, bytes bytea, PRIMARY KEY (matter, number));
GRANT SELECT, INSERT ON peer TO muster_app"""
ROW = b"x" * 700  # about the bytes of a remark's entry

Work = Callable[[int], None]


def run(seconds: float = 1.0, rounds: int = 5) -> dict[str, Any]:
    """Rates at 1, 8 and 32 callers, paced latency, statements of a command. About 50 s."""
    began = load()
    with opened() as city:
        peer = _peer(city)
        matters = [city.perform(city.report()).matter for _ in range(MATTERS)]
        turn = itertools.count()

        def remark(_caller: int) -> None:
            city.perform(city.remark(matters[next(turn) % MATTERS]))

        def report(_caller: int) -> None:
            city.perform(city.report())

        rows = [_compared("remark", n, (remark, peer), seconds, rounds) for n in CALLERS]
        rows.append(_compared("report", 8, (report, peer), seconds, rounds))
        latency = _paced(remark, 8, 5.0)
        counted = {"remark": _statements(city, remark), "report": _statements(city, report)}
    worst = min(rows, key=lambda row: row["ratio"])
    return {
        **{key: worst[key] for key in ("ours", "peer", "ratio", "unit", "n")},
        "name": "perform",
        "load": began,
        "rows": rows,
        "paced_per_s": PACE,
        "p50_ms": round(quantile(latency, 0.5) * 1000, 2),
        "p99_ms": round(quantile(latency, 0.99) * 1000, 2),
        "statements": counted,
    }


def _peer(city: City) -> Work:
    with psycopg.connect(city.system.settings.owner_dsn, autocommit=True) as owner:
        owner.execute(PEER)
    pool, serial = city.system.platform.pool, itertools.count()

    def insert(_caller: int) -> None:
        with pool.connection() as connection:
            connection.execute(
                "INSERT INTO peer (matter, number, bytes) VALUES (%s, %s, %s)",
                (uuid.uuid4(), next(serial), ROW),
            )

    return insert


def _compared(
    name: str, callers: int, pair: tuple[Work, Work], seconds: float, rounds: int
) -> dict[str, Any]:
    ours: list[float] = []
    theirs: list[float] = []
    done = 0
    for work in pair:
        _rate(work, callers, seconds / 4)  # connections open, statements prepared
    for _ in range(rounds):
        for work, rates in zip(pair, (ours, theirs), strict=True):
            count, rate = _rate(work, callers, seconds)
            rates.append(rate)
            done += count
    return {
        "name": f"perform {name} x{callers}",
        "ours": round(median(ours), 1),
        "peer": round(median(theirs), 1),
        "ratio": round(median([a / b for a, b in zip(ours, theirs, strict=True)]), 3),
        "unit": "per s",
        "n": done,
        "load": load(),
    }


def _rate(work: Work, callers: int, seconds: float) -> tuple[int, float]:
    """(how many, per second) of `work` done by so many threads."""
    counts = [0] * callers
    gate = threading.Barrier(callers + 1)
    until = 0.0

    def one(caller: int) -> None:
        gate.wait()
        while time.perf_counter() < until:
            work(caller)
            counts[caller] += 1

    threads = [threading.Thread(target=one, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    until = began + seconds
    gate.wait()
    for thread in threads:
        thread.join()
    return sum(counts), sum(counts) / (time.perf_counter() - began)


def _paced(work: Work, callers: int, seconds: float) -> list[float]:
    """Seconds from the moment each of PACE commands a second was due to its answer."""
    total = int(PACE * seconds)
    turn, latency = itertools.count(), [0.0] * total
    began = time.perf_counter() + 0.1

    def one(caller: int) -> None:
        while (index := next(turn)) < total:
            due = began + index / PACE
            time.sleep(max(0.0, due - time.perf_counter()))
            work(caller)
            latency[index] = time.perf_counter() - due

    threads = [threading.Thread(target=one, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latency


def _statements(city: City, work: Work) -> int:
    """Statements one command sends, BEGIN and COMMIT among them."""
    with city.system.platform.pool.connection() as connection:
        connection.execute("SELECT 1")
    counted: list[str] = []
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

    def noted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        counted.append(str(query))
        return execute(self, query, *args, **more)

    def committed(self: Any) -> None:
        if self.info.transaction_status or self._pipeline:
            counted.append("COMMIT")
        commit(self)

    psycopg.Cursor.execute, psycopg.Connection.commit = noted, committed  # type: ignore
    try:
        work(0)
    finally:
        psycopg.Cursor.execute, psycopg.Connection.commit = execute, commit  # type: ignore
    return 1 + len(counted)


if __name__ == "__main__":
    import json

    print(json.dumps(run(), ensure_ascii=False, indent=1))
