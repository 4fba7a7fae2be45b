"""Places by a piece of their name, for the call-taker who types while the caller speaks."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from muster.geography.distance import haversine
from muster.geography.pack import Pack, Place

#: What people mean first when they say a bare name.
_KINDS: Final = ("city", "county", "town", "island")


def plain(text: str) -> str:
    """As compared: width, case, accents, spaces, apostrophes and hyphens do not matter."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalnum())


@lru_cache(maxsize=8)
def _names(pack: Pack) -> tuple[tuple[Place, tuple[str, ...]], ...]:
    return tuple(
        (place, tuple(plain(name) for name in (place.name_zh, place.name_en, *place.alias)))
        for place in pack.places.values()
    )


def search(
    pack: Pack, query: str, *, limit: int = 10, near: tuple[float, float] | None = None
) -> list[Place]:
    """Places with `query` in a name or alias, the best first; nothing for an empty query.

    Whole names before beginnings before pieces; then towns and islands before other kinds; then,
    with `near` (lon, lat), the nearer; then shorter names.
    """
    wanted = plain(query)
    if not wanted:
        return []
    found: list[tuple[tuple[int, int, int, int], Place]] = []
    for place, names in _names(pack):
        fits = [_fit(name, wanted) for name in names]
        if (best := min(fits)) < _NO_FIT:
            kind = _KINDS.index(place.kind) if place.kind in _KINDS else len(_KINDS)
            away = haversine(*near, place.lon, place.lat) if near else 0
            found.append(((best, kind, away, len(place.name_zh)), place))
    found.sort(key=lambda one: (one[0], one[1].id))
    return [place for _, place in found[:limit]]


_NO_FIT: Final = 3


def _fit(name: str, wanted: str) -> int:
    """0 the name itself, 1 its beginning, 2 somewhere in it, 3 not at all."""
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if wanted in name else _NO_FIT
