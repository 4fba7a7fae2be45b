"""Where units are, told about once a second: only those that moved, only what is in view.

A row is encoded once, whoever gets it; clients with the same scope and view get the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from muster.api.live_messages import Message, fragment, positions_message
from muster.api.live_picture import Audience, Told
from muster.telemetry.latest import Box, Changes, inside

Mask: TypeAlias = NDArray[np.bool_]


class Whereabouts(Protocol):
    """Telemetry's latest positions."""

    def changed_since(self, tick: int) -> Changes: ...


class _Rows:
    """Columns of positions, their rows encoded when first needed."""

    def __init__(self, changes: Changes, told: dict[str, tuple[int, int]]) -> None:
        self._changes = changes
        here = zip(changes.lon.tolist(), changes.lat.tolist(), strict=True)
        before = [told.get(unit, spot) for unit, spot in zip(changes.units, here, strict=True)]
        self._before = np.array(before, dtype=np.int64).reshape(-1, 2)
        self._fragments: list[bytes] | None = None

    def allowed(self, audience: Audience) -> Mask:
        units = audience.units
        found = (units.get(unit, False) for unit in self._changes.units)
        return np.fromiter(found, np.bool_, len(self._changes.units))

    def seen(self, view: Box | None) -> Mask:
        """What is in view, or was when last told: the client must see it leave."""
        changes, before = self._changes, self._before
        if view is None:
            return np.ones(len(changes.units), np.bool_)
        left = inside(before[:, 0], before[:, 1], view)
        return left | inside(changes.lon, changes.lat, view)

    def message(self, rows: Mask) -> Message | None:
        """None when there is nothing to tell."""
        if not rows.any():
            return None
        if self._fragments is None:
            changes = self._changes
            columns = (changes.lon, changes.lat, changes.heading, changes.at)
            values = zip(changes.units, *(column.tolist() for column in columns), strict=True)
            self._fragments = [fragment(*one) for one in values]
        return positions_message([self._fragments[row] for row in np.flatnonzero(rows)])


class PositionTeller:
    """Owned by the thread that owns the picture."""

    def __init__(self, source: Whereabouts, emit: Callable[[Told], None]) -> None:
        self._source, self._emit = source, emit
        self._tick = 0
        self._told: dict[str, tuple[int, int]] = {}
        self._afresh: set[Any] = set()

    def afresh(self, members: Iterable[Any]) -> None:
        """Clients that came or look elsewhere: they are told all that is in view."""
        self._afresh.update(members)

    def tell(self, audiences: Iterable[Audience]) -> None:
        """Tell every audience what it may know and shows."""
        changes = self._source.changed_since(self._tick)
        moved = _Rows(changes, self._told) if changes.units else None
        everything = _Rows(self._source.changed_since(0), {}) if self._afresh else None
        for audience in audiences:
            if audience.located and audience.members:
                stayed = [one for one in audience.members if one not in self._afresh]
                came = [one for one in audience.members if one in self._afresh]
                self._tell(audience, stayed, moved)
                self._tell(audience, came, everything)
        spots = zip(changes.lon.tolist(), changes.lat.tolist(), strict=True)
        self._told.update(zip(changes.units, spots, strict=True))
        self._afresh.clear()
        self._tick = changes.tick

    def _tell(self, audience: Audience, members: list[Any], rows: _Rows | None) -> None:
        if rows is None or not members:
            return
        views: dict[Box | None, list[Any]] = {}
        for member in members:
            views.setdefault(member.view, []).append(member)
        allowed = rows.allowed(audience)
        for view, looking in views.items():
            message = rows.message(allowed & rows.seen(view))
            if message is not None:
                self._emit(Told(tuple(looking), message))
