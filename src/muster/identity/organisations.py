"""The tree of organisations, as installed from a city pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from psycopg import Connection

from muster.identity import tables
from muster.identity.tables import Organisation
from muster.journal.audit import change
from muster.journal.refusal import Refused

MICRO = 1_000_000


class OrganisationRow(Protocol):
    """What is needed of a pack's organisation; lon, lat in degrees."""

    @property
    def id(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def lon(self) -> float: ...
    @property
    def lat(self) -> float: ...


def install_organisations(
    connection: Connection[Any], wanted: Mapping[str, OrganisationRow], *, actor: str
) -> int:
    """Write what differs from the pack, superiors first; returns how many rows were written.

    Organisations the pack no longer names stay: matters and people refer to them. Matters follow
    an organisation that moved.
    """
    known = {one.id: one for one in tables.organisations(connection)}
    rows = sorted((_row(one, wanted) for one in wanted.values()), key=lambda r: r.path.count("."))
    changed = [row for row in rows if known.get(row.id) != row]
    for row in changed:
        values = {
            "parent": row.parent,
            "name_zh": row.name_zh,
            "name_en": row.name_en,
            "tier": row.tier,
            "path": row.path,
            "lon": row.lon,
            "lat": row.lat,
        }
        key = {"id": row.id}
        change(connection, "organisation", key, values, actor=actor, reason="city pack")
    if any(row.id in known and known[row.id].path != row.path for row in changed):
        tables.follow_moves(connection)
    return len(changed)


def _row(one: OrganisationRow, wanted: Mapping[str, OrganisationRow]) -> Organisation:
    line = [one]
    while (parent := line[-1].parent) is not None:
        line.append(wanted[parent])
    return Organisation(
        id=one.id,
        parent=one.parent,
        name_zh=one.name_zh,
        name_en=one.name_en,
        tier=one.tier,
        path=".".join(each.id for each in reversed(line)),
        lon=round(one.lon * MICRO),
        lat=round(one.lat * MICRO),
    )


def path_of(connection: Connection[Any], organisation: str) -> str:
    """The path of an organisation. Raises Refused("organisation.unknown")."""
    path = tables.organisation_path(connection, organisation)
    if path is None:
        raise Refused("organisation.unknown", organisation=organisation)
    return path


def root_of(connection: Connection[Any]) -> Organisation:
    """The topmost organisation. Raises LookupError before a pack is installed."""
    for one in tables.organisations(connection):
        if one.parent is None:
            return one
    raise LookupError("no organisation is installed")
