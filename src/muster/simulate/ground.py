"""Land and sea of a pack: where calls can come from and where units can be."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry

from muster.geography.pack import Pack, Place
from muster.simulate.drive import Point

_DEGREE_M: Final = 111_195.0
_TRIES: Final = 60
#: Calls come from around a named place, seldom from the middle of nowhere.
_NEAR_PLACE: Final = 0.8
_PLACE_SPREAD_M: Final = 350.0
_PATROL_M: Final = 1500.0


class Ground:
    """Looks up land by position; draws points. Reading is safe from many threads."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._pieces = [piece.polygon for piece in pack.land]
        self._tree = shapely.STRtree(self._pieces)
        self._areas = {one.organisation: one.polygon for one in pack.boundaries}
        for area in self._areas.values():
            shapely.prepare(area)
        self._places = self._places_by_area()

    def _places_by_area(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        owners = list(self._areas)
        tree = shapely.STRtree([self._areas[owner] for owner in owners])
        for place in self._pack.places.values():
            for index in tree.query(shapely.Point(place.lon, place.lat), predicate="within"):
                found[owners[index]].append(place)
        return found

    def piece(self, point: Point) -> int | None:
        """Which piece of land the point is on; None at sea."""
        hits = self._tree.query(shapely.Point(point), predicate="within")
        return int(hits[0]) if len(hits) else None

    def clear(self, a: Point, b: Point) -> bool:
        """Nothing but water lies on the straight line."""
        return not len(self._tree.query(shapely.LineString([a, b]), predicate="intersects"))

    def near(self, base: Point, *, water: bool, dice: random.Random) -> Point:
        """A point within a short round of `base`, on the same land, or over open water."""
        home = None if water else self.piece(base)
        for _ in range(_TRIES):
            goal = _offset(base, dice.uniform(100, _PATROL_M), dice)
            if water and self.piece(goal) is None and self.clear(base, goal):
                return goal
            if not water and home is not None and self.piece(goal) == home:
                return goal
        return base

    def place_for_call(
        self, organisation: str, *, sea: bool, dice: random.Random
    ) -> tuple[Point, str]:
        """Where a call in the organisation's area comes from, and the nearest place's name.

        `sea`: on water if the area has any. Without a boundary: around the organisation itself.
        """
        area = self._areas.get(organisation)
        places = self._places.get(organisation, [])
        if area is None:
            row = self._pack.organisations[organisation]
            return _offset(Point(row.lon, row.lat), dice.uniform(0, 800), dice), row.name_zh
        for _ in range(_TRIES):
            if places and not sea and dice.random() < _NEAR_PLACE:
                place = dice.choice(places)
                away = abs(dice.gauss(0, _PLACE_SPREAD_M))
                point = _offset(Point(place.lon, place.lat), away, dice)
            else:
                point = _inside_box(area, dice)
            if self._fits(point, area, sea=sea):
                return point, self._name(point, places, organisation)
        return self._anywhere(area, organisation, places, sea=sea, dice=dice)

    def _fits(self, point: Point, area: BaseGeometry, *, sea: bool) -> bool:
        within = bool(shapely.contains_xy(area, point.lon, point.lat))
        return within and (self.piece(point) is None) == (sea or not self._pieces)

    def _anywhere(
        self,
        area: BaseGeometry,
        organisation: str,
        places: list[Place],
        *,
        sea: bool,
        dice: random.Random,
    ) -> tuple[Point, str]:
        """Small or mostly-sea areas: cut the land (or sea) out exactly and draw in it."""
        touching = [self._pieces[index] for index in self._tree.query(area, predicate="intersects")]
        land = shapely.union_all(touching) if touching else shapely.Polygon()
        wanted = shapely.difference(area, land) if sea else shapely.intersection(area, land)
        wanted = area if wanted.is_empty else wanted
        for _ in range(_TRIES):
            point = _inside_box(wanted, dice)
            if shapely.contains_xy(wanted, point.lon, point.lat):
                return point, self._name(point, places, organisation)
        spot = shapely.point_on_surface(wanted)
        point = Point(round(spot.x, 6), round(spot.y, 6))
        return point, self._name(point, places, organisation)

    def _name(self, point: Point, places: list[Place], organisation: str) -> str:
        if not places:
            return self._pack.organisations[organisation].name_zh
        scale = math.cos(math.radians(point.lat))

        def away(place: Place) -> float:
            return math.hypot((place.lon - point.lon) * scale, place.lat - point.lat)

        return min(places, key=away).name_zh


def _offset(point: Point, away_m: float, dice: random.Random) -> Point:
    angle = dice.uniform(0, 2 * math.pi)
    north = away_m * math.cos(angle) / _DEGREE_M
    east = away_m * math.sin(angle) / (_DEGREE_M * math.cos(math.radians(point.lat)))
    return Point(round(point.lon + east, 6), round(point.lat + north, 6))


def _inside_box(area: BaseGeometry, dice: random.Random) -> Point:
    west, south, east, north = area.bounds
    return Point(round(dice.uniform(west, east), 6), round(dice.uniform(south, north), 6))
