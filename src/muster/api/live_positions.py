"""Where units are, told about once a second: only those that moved, only what is in view.

A row is encoded once, whoever gets it; clients with the same scope and view get the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

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

    def since(self, tick: int) -> Mask:
        """What changed after a tick."""
        rows: Mask = self._changes.ticks > tick
        return rows

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
        self._complete: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        """The tick at which a client knew where everything was."""

    def opened(self, members: Iterable[Any]) -> None:
        """Clients that begin: they are told all positions once."""
        for member in members:
            self._complete.pop(member, None)
            self._afresh.add(member)

    def looked(self, member: Any) -> None:
        """A client shows another view: it is told all that is in it, and all that moved unseen,
        for it may still show that where it was."""
        self._afresh.add(member)

    def tell(self, audiences: Iterable[Audience]) -> None:
        """Tell every audience what it may know and shows."""
        changes = self._source.changed_since(self._tick)
        moved = _Rows(changes, self._told) if changes.units else None
        all_rows = self._source.changed_since(0) if self._afresh else None
        everything = _Rows(all_rows, {}) if all_rows is not None else None
        for audience in audiences:
            if audience.located and audience.members:
                stayed = [one for one in audience.members if one not in self._afresh]
                came = [one for one in audience.members if one in self._afresh]
                self._tell(audience, stayed, moved)
                self._tell(audience, came, everything)
        spots = zip(changes.lon.tolist(), changes.lat.tolist(), strict=True)
        self._told.update(zip(changes.units, spots, strict=True))
        if all_rows is not None:
            self._complete.update(dict.fromkeys(self._afresh, all_rows.tick))
        self._afresh.clear()
        self._tick = changes.tick

    def _tell(self, audience: Audience, members: list[Any], rows: _Rows | None) -> None:
        if rows is None or not members:
            return
        views: dict[tuple[Box | None, int | None], list[Any]] = {}
        for member in members:
            unseen = self._complete.get(member, -1) if member in self._afresh else None
            views.setdefault((member.view, unseen), []).append(member)
        allowed = rows.allowed(audience)
        for (view, unseen), looking in views.items():
            wanted = rows.seen(view)
            if unseen is not None:
                wanted = wanted | rows.since(unseen)
            message = rows.message(allowed & wanted)
            if message is not None:
                self._emit(Told(tuple(looking), message))
