"""Coordinates of recorded rows, many at once: one call to the projection for a whole batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Final

from muster.simulate.columns import ColumnMap
from muster.simulate.dirt import Rejected

_POINT: Final = re.compile(r"\(?\s*([-+0-9.eE]+)\s*[,; ]\s*([-+0-9.eE]+)\s*\)?")
_KEPT: Final = 200_000
_WGS84: Final = 4326


class RowPlaces:
    """Looks places up by what stands in the cells; `prepare` works out those it has not met."""

    def __init__(self, columns: ColumnMap, header: Sequence[str]) -> None:
        place = columns.place
        named = (place.point,) if place.point else (place.x, place.y)
        self._at = tuple(header.index(name) for name in named if name)
        self._empty = frozenset(columns.about.empty)
        self._epsg = place.epsg
        self._known: dict[tuple[str, ...], tuple[float, float] | str] = {}
        self._transform = None
        if not columns.area_only and self._epsg != _WGS84:
            import pyproj

            self._transform = pyproj.Transformer.from_crs(self._epsg, _WGS84, always_xy=True)

    def prepare(self, rows: Sequence[Sequence[str]]) -> None:
        """Every place of these rows is known after this."""
        if not self._at:
            return
        if len(self._known) > _KEPT:
            self._known.clear()
        known, at = self._known, self._at
        new = {tuple([row[i] for i in at]) for row in rows}
        wanted: list[tuple[tuple[str, ...], float, float]] = []
        for key in new:
            if key in known:
                continue
            try:
                wanted.append((key, *self._numbers(key)))
            except Rejected as error:
                known[key] = str(error)
        if not wanted:
            return
        keys, xs, ys = zip(*wanted, strict=True)
        lons, lats = xs, ys
        if self._transform is not None:
            lons, lats = self._transform.transform(xs, ys)
        for key, lon, lat in zip(keys, lons, lats, strict=True):
            # The comparison also refuses NaN and the infinity pyproj gives outside its system.
            inside = -180 <= lon <= 180 and -90 <= lat <= 90
            known[key] = (round(lon, 6), round(lat, 6)) if inside else "place.outside"

    def of(self, row: Sequence[str]) -> tuple[float, float]:
        """WGS-84 degrees. Raises Rejected."""
        found = self._known[tuple([row[i] for i in self._at])]
        if isinstance(found, str):
            raise Rejected(found)
        return found

    def _numbers(self, key: tuple[str, ...]) -> tuple[float, float]:
        cells = [cell.strip() for cell in key]
        if not all(cells) or self._empty.intersection(cells):
            raise Rejected("place.missing")
        try:
            if len(cells) == 2:
                return float(cells[0]), float(cells[1])
            match = _POINT.fullmatch(cells[0])
            if match is None:
                raise Rejected("place.invalid")
            lat, lon = float(match[1]), float(match[2])
        except ValueError as error:
            raise Rejected("place.invalid") from error
        if not (isfinite(lon) and isfinite(lat)):
            raise Rejected("place.outside")
        return lon, lat
