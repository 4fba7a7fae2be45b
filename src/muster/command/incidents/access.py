"""Which organisations a matter belongs to, and which were asked in: kept for identity."""

from __future__ import annotations

from muster.command.incidents.state import Incident
from muster.geography.pack import Pack
from muster.identity import access
from muster.journal.perform import Change, Keeper, Writer


def keeper(pack: Pack) -> Keeper:
    """The keeper of `matter_access` for a city."""

    def keep(writer: Writer, change: Change) -> None:
        access.keep(writer, change.matter, _rows(pack, change.before), _rows(pack, change.after))

    return Keeper("access", ("matter_access",), keep)


def _rows(pack: Pack, state: Incident | None) -> dict[str, str]:
    """organisation path -> `own` or `asked`; a sealed matter has owners only, who reach it by
    the right to sealed records."""
    if state is None:
        return {}
    sealing = state.retention.sealing
    if sealing is not None:
        relation = "sealed" if sealing.open_until is None else "unsealed"
        return {_path(pack, one): relation for one in (state.jurisdiction, state.organisation)}
    rows = {_path(pack, one): "asked" for one in (state.desk, *state.asked)}
    rows[_path(pack, state.jurisdiction)] = "own"
    rows[_path(pack, state.organisation)] = "own"
    return rows


def _path(pack: Pack, organisation: str) -> str:
    return ".".join(pack.path(organisation))
