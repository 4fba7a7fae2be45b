"""The small applications on ports beside the main one."""

from __future__ import annotations

from typing import Any

from muster.api.counters import Metrics
from muster.api.install_page import doorstep
from muster.api.metrics import beside
from muster.api.serving import Listening


def small_ports(listening: Listening, metrics: Metrics) -> dict[int, Any]:
    """By the descriptor they listen on: the install page with the way to HTTPS, and the metrics
    for this machine."""
    found: dict[int, Any] = {}
    if listening.plain is not None:
        found[listening.plain] = doorstep(listening)
    if listening.metrics is not None:
        found[listening.metrics] = beside(metrics)
    return found
