"""Rows by person, matter, hour or day; in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from muster.identity.looks.look import LookRow


def grouped(
    rows: Iterable[LookRow], key: Callable[[LookRow], Any]
) -> list[tuple[Any, list[LookRow]]]:
    """(key, rows) in the order in which keys first appear."""
    found: dict[Any, list[LookRow]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.items())


def hour_of(row: LookRow) -> datetime:
    return row.at.replace(minute=0, second=0, microsecond=0)
