"""What a gateway counts, for its line on the terminal and for Prometheus. No phones, no units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily


class Counts:
    """One thread writes. Every name is one of a fixed list, never something a device sent."""

    def __init__(self) -> None:
        self.open = 0
        self.held = 0
        self.totals: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def add(self, what: str, number: int = 1) -> None:
        self.totals[what] += number

    def drop(self, reason: str, number: int = 1) -> None:
        self.drops[reason] += number

    def collect(self) -> Iterator[Metric]:
        """For Prometheus, when it asks."""
        yield GaugeMetricFamily("muster_gateway_connections", "Open now", self.open)
        yield GaugeMetricFamily(
            "muster_gateway_held", "Positions the server has not taken yet", self.held
        )
        through = CounterMetricFamily("muster_gateway", "What went through", labels=["what"])
        for what, number in sorted(self.totals.copy().items()):
            through.add_metric([what], number)
        yield through
        dropped = CounterMetricFamily(
            "muster_gateway_dropped", "What was dropped", labels=["reason"]
        )
        for reason, number in sorted(self.drops.copy().items()):
            dropped.add_metric([reason], number)
        yield dropped

    def line(self) -> str:
        """One line for the terminal."""
        total = self.totals
        said = (
            f"连接 / connections {self.open} · 帧 / frames {total['frames']} · "
            f"位置 / positions {total['positions']} · 报警 / alarms {total['alarms']} · "
            f"未送达 / held {self.held}"
        )
        if not self.drops:
            return said
        drops = ", ".join(f"{reason} {number}" for reason, number in sorted(self.drops.items()))
        return f"{said} · 丢弃 / dropped: {drops}"
