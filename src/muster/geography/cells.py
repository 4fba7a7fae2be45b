"""Geohash cells: what facts carry instead of a precise position, which stays in the vault."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "0123456789bcdefghjkmnpqrstuvwxyz"
#: Six characters: about 1.2 km by 0.6 km, enough for figures and too coarse to name a door.
LENGTH: Final = 6


def cell(lon: float, lat: float, length: int = LENGTH) -> str:
    """The geohash of a position in degrees. ValueError when it is not on the earth."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(f"not a position: {lon}, {lat}")
    west, east, south, north = -180.0, 180.0, -90.0, 90.0
    value = 0
    for bit in range(5 * length):
        value <<= 1
        if bit % 2 == 0:
            middle = (west + east) / 2
            if lon >= middle:
                value, west = value | 1, middle
            else:
                east = middle
        else:
            middle = (south + north) / 2
            if lat >= middle:
                value, south = value | 1, middle
            else:
                north = middle
    return "".join(_DIGITS[value >> 5 * (length - 1 - i) & 31] for i in range(length))


def cell_box(code: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a cell. ValueError when `code` is not a geohash."""
    west, east, south, north = -180.0, 180.0, -90.0, 90.0
    across = True
    for character in code:
        if (digit := _DIGITS.find(character)) < 0:
            raise ValueError(f"not a geohash: {code!r}")
        for bit in (16, 8, 4, 2, 1):
            if across:
                middle = (west + east) / 2
                west, east = (middle, east) if digit & bit else (west, middle)
            else:
                middle = (south + north) / 2
                south, north = (middle, north) if digit & bit else (south, middle)
            across = not across
    return west, south, east, north
