"""Whose is a position: the station whose boundary holds it, else the nearest, and it says so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians
from typing import TYPE_CHECKING, Final

import msgspec

from muster.geography.distance import haversine
from muster.geography.pack import Organisation, Pack

if TYPE_CHECKING:
    from shapely import STRtree
    from shapely.geometry.base import BaseGeometry

#: Boundaries are stored to about a metre, so neighbours may leave a sliver between them.
SLIVER_M: Final = 5


class Jurisdiction(msgspec.Struct, frozen=True):
    """organisation: the station's id. inside: False when no boundary holds the position and the
    nearest station was taken. distance_m: how far outside its area the position lies."""

    organisation: str
    inside: bool
    distance_m: int


@dataclass(frozen=True)
class _Areas:
    tree: STRtree
    names: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]
    county: tuple[str, ...]


@lru_cache(maxsize=8)
def _areas(pack: Pack) -> _Areas:
    import shapely

    stations = [
        area for area in pack.boundaries if pack.organisations[area.organisation].tier == "station"
    ]
    # The smaller area first: where two drawn by hand overlap, the more particular one answers.
    stations.sort(key=lambda area: (area.polygon.area, area.organisation))
    shapes = tuple(area.polygon for area in stations)
    shapely.prepare(list(shapes))
    names = tuple(area.organisation for area in stations)
    county = tuple(pack.organisations[name].parent or "" for name in names)
    return _Areas(shapely.STRtree(shapes), names, shapes, county)


def jurisdiction(pack: Pack, lon: float, lat: float) -> Jurisdiction:
    """The station that answers for a position in WGS-84 degrees.

    Outside all boundaries: the nearest county's nearest station, with `inside` False. A pack
    without station boundaries falls back on the nearest station, then on any police organisation.
    ValueError when the position is not on the earth.
    """
    import shapely

    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(f"not a position: {lon}, {lat}")
    areas = _areas(pack)
    here = shapely.Point(lon, lat)
    holding = areas.tree.query(here, predicate="intersects")
    if len(holding):
        return Jurisdiction(areas.names[int(holding.min())], inside=True, distance_m=0)
    if not areas.names:
        return _nearest_office(pack, lon, lat)
    away = [_metres_to(shape, lon, lat) for shape in areas.shapes]
    first = min(range(len(away)), key=lambda i: away[i])
    if away[first] <= SLIVER_M:
        return Jurisdiction(areas.names[first], inside=True, distance_m=0)
    same = [i for i, county in enumerate(areas.county) if county == areas.county[first]]
    office = {i: pack.organisations[areas.names[i]] for i in same}
    best = min(same, key=lambda i: _apart(office[i], lon, lat))
    return Jurisdiction(areas.names[best], inside=False, distance_m=away[best])


def _apart(office: Organisation, lon: float, lat: float) -> int:
    return haversine(office.lon, office.lat, lon, lat)


def _metres_to(shape: BaseGeometry, lon: float, lat: float) -> int:
    """Metres to the nearest edge. Longitudes are squeezed for the search, as degrees of longitude
    are the shorter ones; the metres are then great-circle."""
    import shapely

    squeeze = cos(radians(lat)) or 1e-9
    flat = shapely.transform(shape, lambda xy: xy * (squeeze, 1.0))
    line = shapely.shortest_line(flat, shapely.Point(lon * squeeze, lat))
    x, y = shapely.get_coordinates(line)[0]
    return haversine(float(x) / squeeze, float(y), lon, lat)


def _nearest_office(pack: Pack, lon: float, lat: float) -> Jurisdiction:
    police = [office for office in pack.organisations.values() if office.tier != "partner"]
    stations = [office for office in police if office.tier == "station"] or police
    best = min(stations, key=lambda office: _apart(office, lon, lat))
    return Jurisdiction(best.id, inside=False, distance_m=_apart(best, lon, lat))
