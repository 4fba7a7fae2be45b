"""Areas from points: who is nearest answers. Used where no drawn boundaries exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]


def stations_to_boundaries(
    stations: Mapping[str, Position], clip: BaseGeometry
) -> dict[str, BaseGeometry]:
    """The part of `clip` nearer to each station than to any other, in WGS-84 degrees.

    Gives Polygons or MultiPolygons that together cover `clip`. Stations at one and the same
    position cannot share an area: the first of them by id gets it, the others an empty polygon.
    """
    return nearest_areas({name: [place] for name, place in stations.items()}, clip)


def nearest_areas(
    sites: Mapping[str, Sequence[Position]], clip: BaseGeometry
) -> dict[str, BaseGeometry]:
    """As `stations_to_boundaries`, where a name may own many points (a coast, say)."""
    import shapely

    owner: dict[Position, str] = {}
    for name in sorted(sites):
        for lon, lat in sites[name]:
            owner.setdefault((lon, lat), name)
    if len(set(owner.values())) < 2:
        only = next(iter(owner.values()), None)
        return {name: clip if name == only else shapely.Polygon() for name in sites}
    # Degrees of longitude are shorter than degrees of latitude; without this the dividing
    # lines would not be half-way on the ground.
    west, south, east, north = clip.bounds
    squeeze = cos(radians((south + north) / 2))
    points = shapely.MultiPoint([(lon * squeeze, lat) for lon, lat in owner])
    frame = shapely.box(west * squeeze, south, east * squeeze, north)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame, ordered=True))
    owned: dict[str, list[BaseGeometry]] = {name: [] for name in sites}
    for name, cell in zip(owner.values(), cells, strict=True):
        owned[name].append(cell)
    areas: dict[str, BaseGeometry] = {}
    for name, parts in owned.items():
        whole = shapely.transform(shapely.union_all(parts), lambda xy: xy / (squeeze, 1.0))
        areas[name] = polygons_only(whole.intersection(clip))
    return areas


def polygons_only(geometry: BaseGeometry) -> BaseGeometry:
    """Its polygons; lines and points that a cut left behind are dropped."""
    import shapely

    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    flat: list[BaseGeometry] = []
    for part in shapely.get_parts(geometry):
        flat.extend(shapely.get_parts(part) if part.geom_type == "MultiPolygon" else [])
    return shapely.union_all([*parts, *flat]) if parts or flat else shapely.Polygon()
