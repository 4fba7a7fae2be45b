"""Distances over the ground."""

from __future__ import annotations

from math import asin, cos, degrees, radians, sin, sqrt
from typing import Final

#: Mean radius of the earth in metres (IUGG R1). Against the ellipsoid the result is within 0.6 %.
EARTH_RADIUS_M: Final = 6_371_008.8


def haversine(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> int:
    """Great-circle distance in whole metres between two positions in degrees."""
    a, b = radians(lat_a), radians(lat_b)
    half = sin((b - a) / 2) ** 2
    half += cos(a) * cos(b) * sin(radians(lon_b - lon_a) / 2) ** 2
    # Rounding can lift antipodes a hair above 1.
    return round(2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, half))))


def box_around(lon: float, lat: float, metres: float) -> tuple[float, float, float, float]:
    """West, south, east, north of a box that holds everything within `metres`.

    For a first, indexed cut in SQL. Not for boxes over a pole or the date line.
    """
    north = degrees(metres / EARTH_RADIUS_M)
    # The widest parallel of the box is the one nearest to a pole.
    widest = min(89.9, abs(lat) + north)
    east = min(180.0, north / cos(radians(widest)))
    return lon - east, lat - north, lon + east, lat + north
