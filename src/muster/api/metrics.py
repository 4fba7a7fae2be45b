"""GET /metrics: how this Muster does, for Prometheus. Counts only: no matter, no person, no place,
nothing whose number grows with the work.

Counters (counters.py) begin anew with the process; what the database and the parts know is asked
for at each scrape. A scrape must answer when the database does not: then it says only that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography import x509
from litestar import Request, Response, get
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from muster.api.bearer import SCOPE
from muster.api.counters import Metrics
from muster.api.opening import reads
from muster.api.platform import RunningPlatform
from muster.api.serving import Listening
from muster.journal.database import Figures, figures
from muster.journal.refusal import Refused

PATH: Final = "/metrics"
WANTED: Final = "metrics"
NO_DATABASE: Final = "database:"
#: Where `backup` leaves the moment of the last one, in the data folder.
BACKED_UP: Final = "run/backed_up"


class LiveClients(Protocol):
    """What is asked of the live hub."""

    @property
    def clients(self) -> set[Any]: ...
    @property
    def feed_state(self) -> str: ...


class Whereabouts(Protocol):
    """What is asked of telemetry."""

    @property
    def accepted(self) -> int: ...


class Gauges(Collector):
    """What is asked at each scrape."""

    def __init__(
        self,
        platform: RunningPlatform,
        live: LiveClients,
        positions: Whereabouts,
        data: Path,
        listening: Listening,
    ) -> None:
        self._platform, self._live, self._positions = platform, live, positions
        self._data, self._listening = data, listening

    def describe(self) -> list[Metric]:
        """Nothing is asked before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        reasons, notes = self._platform.ready(), self._platform.notes()
        up = not any(reason.startswith(NO_DATABASE) for reason in reasons)
        found = self._asked() if up else None
        yield gauge("muster_ready", "1 when it may be given requests.", not reasons)
        yield gauge("muster_database_up", "1 when the database answers.", found is not None)
        yield gauge("muster_notes", "What an engineer should know (see /readyz).", len(notes))
        jumped = any(note.startswith("clock:") for note in notes)
        yield gauge("muster_clock_trouble", "1 when the clock was set within the hour.", jumped)
        yield self._built()
        yield from self._of_process()
        if found is not None:
            yield from _of_database(found)
        yield from self._ages()

    def _asked(self) -> Figures | None:
        # It may go away between the two looks: then it is not up.
        with suppress(Exception), self._platform.pool.connection(timeout=2) as connection:
            return figures(connection, self._platform.clock.now())
        return None

    def _built(self) -> Metric:
        kind = "simulated" if self._platform.simulated else "real"
        built = GaugeMetricFamily("muster_build_info", "What runs.", labels=["version", "kind"])
        built.add_metric([version("muster"), kind], 1)
        return built

    def _of_process(self) -> Iterator[Metric]:
        stats = self._platform.pool.get_stats()
        pool = GaugeMetricFamily(
            "muster_pool_connections", "Database connections, by use.", labels=["use"]
        )
        size, free = stats.get("pool_size", 0), stats.get("pool_available", 0)
        for use, number in (("busy", size - free), ("idle", free), ("most", stats["pool_max"])):
            pool.add_metric([use], number)
        yield pool
        waiting = stats.get("requests_waiting", 0)
        yield gauge("muster_pool_waiting", "Requests waiting for a connection.", waiting)
        yield gauge("muster_live_clients", "Consoles at the feed.", len(self._live.clients))
        stalled = self._live.feed_state != "ok"
        yield gauge("muster_feed_stalled", "1 when changes do not come through.", stalled)
        yield CounterMetricFamily(
            "muster_positions_accepted", "Positions taken in.", self._positions.accepted
        )

    def _ages(self) -> Iterator[Metric]:
        stamp = self._data / BACKED_UP
        if stamp.exists():
            yield gauge(
                "muster_backup_timestamp_seconds", "Of the last one.", stamp.stat().st_mtime
            )
        tls = self._listening.tls
        if tls is not None:
            with suppress(OSError, ValueError):  # being renewed: the next scrape says
                leaf = x509.load_pem_x509_certificates(Path(tls.cert).read_bytes())[0]
                until = leaf.not_valid_after_utc.timestamp()
                yield gauge("muster_certificate_expiry_timestamp_seconds", "Of TLS.", until)


def _of_database(found: Figures) -> Iterator[Metric]:
    yield gauge("muster_journal_position", "Of the newest entry.", found.position)
    yield gauge("muster_deadlines_overdue", "Clocks that should have rung.", found.overdue)
    rejects = CounterMetricFamily(
        "muster_positions_rejected",
        "Positions refused, by reason; kept over restarts.",
        labels=["code"],
    )
    for code, number in found.rejected:
        rejects.add_metric([code], number)
    yield rejects
    if found.checkpoint is not None:
        at = found.checkpoint.timestamp()
        yield gauge("muster_checkpoint_timestamp_seconds", "When the last was taken.", at)


def watch(
    platform: RunningPlatform,
    live: LiveClients,
    positions: Whereabouts,
    data: Path,
    listening: Listening,
) -> None:
    """Ask these at each scrape."""
    platform.metrics.registry.register(Gauges(platform, live, positions, data, listening))


def gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def route(metrics: Metrics) -> Any:
    """The door: only with an API token of scope `metrics`."""

    @get(
        PATH,
        sync_to_thread=True,
        opt=reads("open", **{SCOPE: WANTED}),
        include_in_schema=False,
    )
    def read_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.scope["state"].get("token") is None:
            raise Refused("token.invalid")
        return Response(
            metrics.page(),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )

    return read_metrics


App = Callable[
    [Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


def beside(metrics: Metrics) -> App:
    """The application of the port for this machine only (`--metrics-port`), without a token."""
    from asyncio import to_thread

    async def app(
        scope: Any, _receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        there = scope["path"] == PATH and scope["method"] in ("GET", "HEAD")
        body = await to_thread(metrics.page) if there else b""
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode())]
        headers.append((b"content-length", str(len(body)).encode()))
        status = 200 if there else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})

    return app
