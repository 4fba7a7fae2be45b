"""Stations' places and areas, for files that name a station and give no coordinates.

All such a file says of a call's place is whose area it was in. The call is then put at the middle
of that area and marked as known by its area only.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final

from muster.simulate.refusal import ReplayRefused

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]
Box = tuple[float, float, float, float]
#: Around the outermost stations, whose areas end nowhere else.
MARGIN_DEGREES: Final = 0.06
_MOST_STATIONS: Final = 5_000
#: Stands behind the name of a place that is known by its area only, wherever it is shown.
AREA_ONLY: Final = "（仅知辖区 area only）"


@dataclass(frozen=True)
class Areas:
    """bases: where the stations stand; polygons: what is nearest to each; middles: a point in
    the middle of it. WGS-84 degrees, by the station's name."""

    bases: Mapping[str, Position]
    polygons: Mapping[str, BaseGeometry]
    middles: Mapping[str, Position]
    box: Box


def read_areas(listed: Path) -> Areas:
    """From a CSV with the columns station, lon, lat. Lines that begin with # are comments.
    Raises ReplayRefused with the file and line of what is wrong."""
    bases: dict[str, Position] = {}
    line = 0
    try:
        with listed.open(encoding="utf-8-sig", newline="") as text:
            numbered = [(n, row) for n, row in enumerate(text, 1) if not row.startswith("#")]
        reader = csv.DictReader(row for _, row in numbered)
        for row in reader:
            line = numbered[min(reader.line_num, len(numbered)) - 1][0]
            name, lon, lat = row["station"].strip(), float(row["lon"]), float(row["lat"])
            if not name or name in bases or not (isfinite(lon) and isfinite(lat)):
                raise ValueError(f"{name!r}: empty, twice, or no position")
            if not (-179 <= lon <= 179 and -85 <= lat <= 85) or len(bases) >= _MOST_STATIONS:
                raise ValueError(f"{name!r}: outside, or too many")
            bases[name] = (lon, lat)
        if not bases:
            raise ValueError("no station")
    except (
        OSError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        csv.Error,
    ) as error:
        where = f"{listed.name}:{line}" if line else listed.name
        raise ReplayRefused("stations.invalid", stations=where, detail=error) from error
    return _areas(bases)


def _areas(bases: Mapping[str, Position]) -> Areas:
    import shapely

    from muster.geography.voronoi import stations_to_boundaries

    box = box_around(list(bases.values()), MARGIN_DEGREES)
    polygons = stations_to_boundaries(bases, shapely.box(*box))
    middles = {}
    for name, base in bases.items():
        area = polygons[name]
        if area.is_empty:  # it stands where another does
            middles[name] = base
            continue
        middle = area.centroid if area.contains(area.centroid) else area.point_on_surface()
        middles[name] = (round(middle.x, 6), round(middle.y, 6))
    return Areas(bases, polygons, middles, box)


def box_around(points: list[Position], margin: float) -> Box:
    """West, south, east, north."""
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    return (
        round(max(min(lons) - margin, -180.0), 4),
        round(max(min(lats) - margin, -90.0), 4),
        round(min(max(lons) + margin, 180.0), 4),
        round(min(max(lats) + margin, 90.0), 4),
    )
