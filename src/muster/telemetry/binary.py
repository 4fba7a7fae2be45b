"""Columns of fixes as PostgreSQL's binary COPY, made a column at a time.

Rows of one shape (the length of the unit's name, which side values are missing) have one length,
and so are one numpy array; there are few shapes in a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from muster.telemetry.fixes import NONE, Columns

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER: Final = b"\xff\xff"
#: PostgreSQL counts microseconds from 2000.
_EPOCH_MS: Final = 946_684_800_000
#: The columns after the unit and the two moments, as the table has them.
SIDES: Final = (("speed", ">i2", 2), ("heading", ">i2", 2), ("accuracy", ">i4", 4))


def rows(fixes: Columns, units: Sequence[str], received_ms: int) -> Iterator[bytes | memoryview]:
    """The COPY stream of (unit, at, received, lon, lat, speed_kmh, heading, accuracy_m), in pieces.
    `units`: names by number."""
    numbers, place = np.unique(fixes.unit, return_inverse=True)
    # NUL stands in no unit's name; so all of them are encoded at once.
    names = np.array("\0".join(units[number] for number in numbers.tolist()).encode().split(b"\0"))
    lengths = np.char.str_len(names).astype(np.int64)[place]
    missing = sum(
        (getattr(fixes, name) == NONE).astype(np.int64) << bit
        for bit, (name, _, _) in enumerate(SIDES)
    )
    shapes = lengths << len(SIDES) | missing
    yield HEADER
    for shape in np.unique(shapes).tolist():
        chosen = np.flatnonzero(shapes == shape)
        length = shape >> len(SIDES)
        named = names[place[chosen]].astype(f"S{length}")
        # As it lies in memory: a copy of so much costs as much as making it.
        yield _shaped(fixes.take(chosen), named, shape, received_ms).view(np.uint8).data
    yield TRAILER


def _shaped(fixes: Columns, named: NDArray[Any], shape: int, received_ms: int) -> NDArray[Any]:
    """The rows of one shape. Before every value stands its length, -1 alone for a missing one."""
    values: list[tuple[str, str, int, Any]] = [
        ("unit", named.dtype.str, named.dtype.itemsize, named),
        ("at", ">i8", 8, (fixes.at - _EPOCH_MS) * 1000),
        ("received", ">i8", 8, (received_ms - _EPOCH_MS) * 1000),
        ("lon", ">i4", 4, fixes.lon),
        ("lat", ">i4", 4, fixes.lat),
    ]
    for bit, (name, kind, size) in enumerate(SIDES):
        missing = shape >> bit & 1
        values.append((name, "" if missing else kind, NONE if missing else size, None))
    kinds = [("fields", ">i2")]
    for name, kind, _, _ in values:
        kinds += [(f"{name} length", ">i4"), *([(name, kind)] if kind else [])]
    made = np.zeros(len(fixes), np.dtype(kinds))
    made["fields"] = len(values)
    for name, kind, size, column in values:
        made[f"{name} length"] = size
        if kind:
            made[name] = getattr(fixes, name) if column is None else column
    return made
