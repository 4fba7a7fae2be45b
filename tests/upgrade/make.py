"""Makes the data of a release, for the upgrade test. Run once per release, in its own checkout:

    PYTHONPATH=CHECKOUT/src python tests/upgrade/make.py CHECKOUT tests/upgrade/VERSION

A demonstration runs for a while, a call taker and a dispatcher perform commands of whose answers
a note is kept, and everything is dumped: each table as gzipped COPY text, the master key (of this
invented folder, good for nothing else), the mark, and the notes. All people are invented.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import urllib3
from psycopg import sql

RUNS_S = 50.0
SPEED = "60"
COMMANDS = 12


def main() -> None:
    checkout, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        notes = played(checkout, data)
        for name in ("mark.json", "demo_password", "keys/master.key"):
            shutil.copyfile(data / name, out / Path(name).name)
        notes |= dumped(data, out)
    (out / "notes.json").write_text(json.dumps(notes, indent=1, ensure_ascii=False) + "\n")


def played(checkout: Path, data: Path) -> dict[str, Any]:
    """Run the demonstration with people at two desks; what they asked and were answered."""
    said = data.parent / "said"
    where = ["--data", str(data), "--port", "0", "--speed", SPEED]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "muster.cli", "demo", *where],
            stdout=output,
            stderr=output,
            env={**os.environ, "MUSTER_ROOT": str(checkout)},
        )
    while not (found := re.search(r"ready:  (http://\S+)", said.read_text())):
        assert process.poll() is None, said.read_text()
        time.sleep(0.2)
    try:
        return at_the_desks(found.group(1), (data / "demo_password").read_text())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def at_the_desks(url: str, password: str) -> dict[str, Any]:
    """Report calls, remark and urge, with an hour of the simulated day around them."""
    taker, dispatcher = Desk(url, "call-taker", password), Desk(url, "dispatcher", password)
    now = datetime.fromisoformat(taker.get("/api/city")["clock"]["now"])
    asked = []
    for number in range(COMMANDS // 2):
        matter = str(uuid.uuid4())
        moment = now + timedelta(seconds=number)
        call = {
            "id": matter,
            "channel": "110",
            "category": "010104",
            "reported_at": (moment - timedelta(seconds=30)).isoformat(),
            "answered_at": (moment - timedelta(seconds=20)).isoformat(),
            "call_ended_at": moment.isoformat(),
            "caller_name": "示例甲",
            "caller_phone": "000-0000-0001",
            "narrative": "示例：升级前的来电",
            "place": {"lon": 122.301, "lat": 29.947, "label": "沈家门渔港（示例）"},
        }
        asked.append(taker.do("/api/incidents", call))
        words = {"text": "示例：升级前的催办"}
        asked.append(dispatcher.do(f"/api/incidents/{matter}/urge", words))
    time.sleep(RUNS_S)
    return {"commands": asked}


class Desk:
    def __init__(self, url: str, username: str, password: str) -> None:
        self.url, self.username = url, username
        self.http = urllib3.PoolManager(retries=False)
        self.headers = {"Content-Type": "application/json"}
        body = json.dumps({"username": username, "password": password})
        answer = self.http.request("POST", url + "/api/session", body=body, headers=self.headers)
        assert answer.status == 201, answer.data
        self.headers["X-CSRF-Token"] = json.loads(answer.data)["csrf"]
        self.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]

    def get(self, path: str) -> Any:
        return json.loads(self.http.request("GET", self.url + path, headers=self.headers).data)

    def do(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        command = str(uuid.uuid4())
        headers = {**self.headers, "Idempotency-Key": command}
        answer = self.http.request(
            "POST", self.url + path, body=json.dumps(body).encode(), headers=headers
        )
        assert answer.status < 300, answer.data
        return {
            "username": self.username,
            "path": path,
            "body": body,
            "command": command,
            "answer": json.loads(answer.data),
        }


def dumped(data: Path, out: Path) -> dict[str, Any]:
    """Every table as OUT/TABLE.copy.gz; how many rows each has, and where sequences stand."""
    from muster.supervise import postgres

    sizes = {}
    with postgres.running(data) as server, psycopg.connect(server.owner_dsn) as connection:
        # Partitions come with their parent; no table of the database's own.
        names = connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " ORDER BY 1"
        ).fetchall()
        for (name,) in names:
            query = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(name))
            with (
                gzip.GzipFile(out / f"{name}.copy.gz", "wb", mtime=0) as file,
                connection.cursor().copy(query) as copy,
            ):
                lines = 0
                for row in copy:
                    lines += bytes(row).count(b"\n")
                    file.write(row)
            sizes[name] = lines
        sequences = connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
        ).fetchall()
    return {"sizes": sizes, "sequences": dict(sequences)}


if __name__ == "__main__":
    main()
