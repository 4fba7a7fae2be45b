"""GCJ-02, the shifted datum of Chinese public maps, to WGS-84 and back.

Everything inside Muster is WGS-84. Whoever brings positions from a Chinese map converts them here,
at the door; unconverted they lie some 390 m east and 220 m south in Zhoushan. The shift is the
publicly known series; its inverse has no closed form and is found by iteration.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import Final

# Krasovsky 1940, the ellipsoid the shift was defined on.
_SEMI_MAJOR: Final = 6378245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323


def _in_china(lon: float, lat: float) -> bool:
    # The published rule: no shift outside this box.
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _shift(lon: float, lat: float) -> tuple[float, float]:
    """Degrees east and north by which GCJ-02 differs at a WGS-84 position."""
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    radians = lat / 180.0 * pi
    magic = 1.0 - _ECCENTRICITY_SQUARED * sin(radians) ** 2
    meridian = _SEMI_MAJOR * (1.0 - _ECCENTRICITY_SQUARED) / (magic * sqrt(magic)) * pi / 180.0
    parallel = _SEMI_MAJOR / sqrt(magic) * cos(radians) * pi / 180.0
    return east / parallel, north / meridian


def wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    """WGS-84 degrees to GCJ-02 degrees; outside China unchanged."""
    if not _in_china(lon, lat):
        return lon, lat
    east, north = _shift(lon, lat)
    return lon + east, lat + north


def gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 degrees to WGS-84 degrees, to better than a millimetre; outside China unchanged."""
    if not _in_china(lon, lat):
        return lon, lat
    guess_lon, guess_lat = lon, lat
    # The shift changes by < 1 % over its own length, so each round gains two digits or more.
    for _ in range(6):
        east, north = _shift(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - east, lat - north
    return guess_lon, guess_lat
