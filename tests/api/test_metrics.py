"""/metrics: what it counts, who may ask, and what never stands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from muster import app
from muster.api import metrics
from muster.api.serving import Listening
from muster.journal.clock import real_now
from tests.instance import Instance
from tests.stories.desk import Person, call, signed_in

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
#: Ids of matters, commands, people and units; addresses.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[a-z]{2}-[a-z]+-\d\d|\d+\.\d+\.\d+\.\d+|person|示例")


@dataclass
class Hub:
    """The live hub, as far as it is asked."""

    clients: set[object]
    feed_state: str


def read(page: bytes) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def token(server: Instance, scope: str) -> str:
    keeper = signed_in(server, "administrator")
    body = {
        "name": "示例监测",
        "organisation": "zs",
        "scopes": [scope],
        "expires_at": real_now() + timedelta(days=30),
        "networks": [],
    }
    return str(keeper.do("/api/tokens", body)["value"])


def scraped(server: Instance, bearer: str = "") -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return urllib3.PoolManager(retries=False).request(
        "GET", f"{server.url}/metrics", headers=headers, timeout=30.0
    )


def test_only_a_token_of_its_scope_may_ask(live_server: Instance) -> None:
    assert scraped(live_server).status == 401
    assert scraped(live_server, "mst_nothing").status == 401
    assert scraped(live_server, token(live_server, "read:units")).status == 403
    answer = scraped(live_server, token(live_server, "metrics"))
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    person = signed_in(live_server, "administrator")
    assert person.ask("/metrics").status == 401  # nor does a person's session


def test_commands_refusals_and_requests_are_counted(live_server: Instance) -> None:
    taker = signed_in(live_server, "call-taker")
    matter, command = str(uuid4()), str(uuid4())
    report = call(matter)
    for _ in range(2):
        taker.do("/api/incidents", report, command=command)
    assert taker.try_to(f"/api/incidents/{uuid4()}/urge", {"text": "示例"}).status == 404
    wrong = Person(live_server.url, "call-taker")
    assert wrong.sign_in("not-the-password").status == 401
    bearer = token(live_server, "metrics")
    page = scraped(live_server, bearer).data
    found = read(page)

    done = value(found, "muster_commands_total", operation="incident.report", outcome="done")
    again = value(found, "muster_commands_total", operation="incident.report", outcome="repeated")
    assert (done, again) == (1, 1)
    assert value(found, "muster_command_seconds_count", operation="incident.report") == 2
    assert value(found, "muster_refusals_total", code="matter.unknown") >= 1
    assert value(found, "muster_refusals_total", code="sign_in.failed") == 1
    assert value(found, "muster_requests_total", method="POST", status="201") >= 1
    assert value(found, "muster_journal_position") >= 1
    for name in ("ready", "database_up"):
        assert value(found, f"muster_{name}") == 1
    for name in ("feed_stalled", "deadlines_overdue", "clock_trouble", "live_clients"):
        assert value(found, f"muster_{name}") == 0
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    assert value(found, "process_open_fds") > 3
    assert not ID.search("\n".join(line for line in page.decode().splitlines() if line[0] != "#"))


def test_it_answers_when_the_database_does_not(system: app.System, tmp_path: Path) -> None:
    platform = system.platform
    platform.ready = lambda: ["database: no answer for 5 s"]
    metrics.watch(platform, Hub(set(), "stalled"), system.positions, tmp_path, Listening())
    found = read(platform.metrics.page())
    assert value(found, "muster_database_up") == 0
    assert value(found, "muster_ready") == 0
    assert value(found, "muster_feed_stalled") == 1
    assert not any(name == "muster_journal_position" for name, _ in found)


def test_what_is_known_of_backup_checkpoint_and_certificate_is_told(
    system: app.System, tmp_path: Path
) -> None:
    from muster.api.tls import Tls
    from tests.cli.issued import NAME, NOW, issued

    cert, key = issued(tmp_path, NAME, end=NOW + timedelta(days=90))
    (tmp_path / "run").mkdir()
    (tmp_path / metrics.BACKED_UP).touch()
    listening = Listening(tls=Tls(str(cert), str(key)))
    metrics.watch(system.platform, Hub({object()}, "ok"), system.positions, tmp_path, listening)
    found = read(system.platform.metrics.page())
    ends = value(found, "muster_certificate_expiry_timestamp_seconds")
    assert ends == (NOW + timedelta(days=90)).timestamp()
    assert value(found, "muster_backup_timestamp_seconds") > 1e9
    assert value(found, "muster_live_clients") == 1
