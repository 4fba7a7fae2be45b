"""Counts and spans of a day, as the simulated people saw them at the doors."""

from __future__ import annotations

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """Seconds: half of n values are at most p50, nine in ten at most p90. None when n is 0."""

    p50: float | None
    p90: float | None
    n: int


def spread(values: Iterable[float]) -> Spread:
    """Nearest-rank percentiles: always a value that occurred."""
    ordered = sorted(values)
    if not ordered:
        return Spread(None, None, 0)

    def rank(share: float) -> float:
        return round(ordered[math.ceil(share * len(ordered)) - 1], 1)

    return Spread(rank(0.5), rank(0.9), len(ordered))


class Figures:
    """May be added to from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._spans: dict[str, list[float]] = defaultdict(list)
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def count(self, name: str, by: int = 1) -> None:
        with self._lock:
            self._counts[name] += by

    def span(self, name: str, seconds: float) -> None:
        with self._lock:
            self._spans[name].append(seconds)

    def refused(self, code: str) -> None:
        """A door refused what a simulated person wanted."""
        with self._lock:
            self._refused[code] += 1

    def fault(self, text: str) -> None:
        """The server failed."""
        with self._lock:
            self._faults[text[:200]] += 1

    def counted(self, name: str) -> int:
        return self._counts[name]

    def spread(self, name: str) -> Spread:
        with self._lock:
            return spread(self._spans[name])

    def summary(self) -> str:
        """One line of counts, for a log; nothing in it is about a person."""
        with self._lock:
            counts = dict(sorted(self._counts.items()))
        return f"{counts}, refused {self.refusals()}, faults {self.faults()}"

    def refusals(self) -> dict[str, int]:
        return dict(sorted(self._refused.items()))

    def faults(self) -> dict[str, int]:
        return dict(sorted(self._faults.items()))
