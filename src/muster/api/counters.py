"""The counters behind /metrics: what was performed, answered and refused since the start."""

from __future__ import annotations

from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from muster.journal.refusal import Refused

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))


class Metrics:
    """The counters of one process, and the page they are read from."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._commands = Counter(
            "muster_commands",
            "Commands performed, by operation and outcome.",
            ("operation", "outcome"),
            registry=self.registry,
        )
        self._command_s = Histogram(
            "muster_command_seconds",
            "From asking to the answer, waiting for locks and the commit included.",
            ("operation",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._refusals = Counter(
            "muster_refusals", "Refusals at the door, by code.", ("code",), registry=self.registry
        )
        self._requests = Counter(
            "muster_requests",
            "HTTP requests answered, by method and status.",
            ("method", "status"),
            registry=self.registry,
        )
        self._request_s = Histogram(
            "muster_request_seconds",
            "From a request's arrival to the beginning of its answer.",
            ("method",),
            buckets=SECONDS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def performed(self, operation: str, outcome: str, seconds: float) -> None:
        """For `Journal.performed`."""
        self._commands.labels(operation, outcome).inc()
        self._command_s.labels(operation).observe(seconds)

    async def refused(self, error: Exception, _scope: Any) -> None:
        """For Litestar's `after_exception`."""
        if isinstance(error, Refused):
            self._refusals.labels(error.code).inc()

    def answered(self, method: str, status: int, seconds: float | None) -> None:
        """For the door's note of each request."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, str(status)).inc()
        if seconds is not None:
            self._request_s.labels(known).observe(seconds)

    def page(self) -> bytes:
        return generate_latest(self.registry)
