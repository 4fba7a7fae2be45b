"""On which island is a position, or is it at sea: a car does not help on the next island."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from muster.geography.distance import haversine
from muster.geography.pack import Pack

if TYPE_CHECKING:
    from shapely import STRtree


@dataclass(frozen=True)
class _Lands:
    tree: STRtree
    ids: tuple[int, ...]


@lru_cache(maxsize=8)
def _lands(pack: Pack) -> _Lands:
    import shapely

    shapes = [land.polygon for land in pack.land]
    shapely.prepare(shapes)
    return _Lands(shapely.STRtree(shapes), tuple(land.id for land in pack.land))


def land_at(pack: Pack, lon: float, lat: float, *, shore_m: float = 0) -> int | None:
    """The id of the land under a position in WGS-84 degrees, or None at sea.

    shore_m: up to so far off the shore still counts as land. The coast is simplified, and a caller
    on a quay may stand a hundred metres outside it.
    """
    import shapely

    lands = _lands(pack)
    here = shapely.Point(lon, lat)
    under = lands.tree.query(here, predicate="intersects")
    if len(under):
        return lands.ids[int(under.min())]
    if shore_m <= 0 or not lands.ids:
        return None
    near = int(lands.tree.nearest(here))
    line = shapely.shortest_line(pack.land[near].polygon, here)
    x, y = shapely.get_coordinates(line)[0]
    return lands.ids[near] if haversine(float(x), float(y), lon, lat) <= shore_m else None


def same_land(
    pack: Pack, a: tuple[float, float], b: tuple[float, float], *, shore_m: float = 200
) -> bool:
    """Whether two positions (lon, lat) are on one island. False when either is at sea.

    A pack without any coast has no sea: there all positions are on one land.
    """
    if not pack.land:
        return True
    here = land_at(pack, *a, shore_m=shore_m)
    return here is not None and here == land_at(pack, *b, shore_m=shore_m)


def by_road(
    pack: Pack, a: tuple[float, float], b: tuple[float, float], *, shore_m: float = 200
) -> bool:
    """As `same_land`, counting islands joined by bridges or tunnels as one."""
    if not pack.land:
        return True
    one = land_at(pack, *a, shore_m=shore_m)
    other = land_at(pack, *b, shore_m=shore_m)
    if one is None or other is None:
        return False
    road = pack.land[one].road
    return one == other or (road != "" and road == pack.land[other].road)
