"""The list of recorded exceptions to the size limits, which may only shrink."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from .size import Size
from .sources import Fault

_FIELDS = {"file", "name", "is", "reason"}
Key = tuple[str, str, str]


def read(path: Path) -> dict[Key, int]:
    """The recorded exceptions: (lines or parameters, file, name) → the recorded number.

    Raises ValueError for an entry without a one-line reason or with unknown words.
    """
    recorded: dict[Key, int] = {}
    for kind, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for entry in entries:
            reason = str(entry.get("reason", ""))
            if kind not in ("lines", "parameters") or set(entry) != _FIELDS:
                raise ValueError(f"{path.name}: [[{kind}]] {entry}: needs exactly {_FIELDS}")
            if not reason.strip() or "\n" in reason:
                raise ValueError(f"{path.name}: {entry['file']} {entry['name']}: one-line reason")
            recorded[(kind, entry["file"], entry["name"])] = int(entry["is"])
    return recorded


def faults(sizes: Iterable[Size], recorded: dict[Key, int]) -> Iterator[Fault]:
    """Everything too large and not recorded, grown, shrunk or gone since it was recorded."""
    largest: dict[Key, Size] = {}
    for size in sizes:
        if size.key not in largest or size.measure > largest[size.key].measure:
            largest[size.key] = size
    for key, size in largest.items():
        if key not in recorded and size.measure > size.limit:
            yield Fault(size.file, size.line, _too_large(size))
        elif key in recorded:
            yield from _against_record(size, recorded[key])
    for kind, file, name in recorded.keys() - largest.keys():
        yield Fault(file, 1, f"exception for {kind} of '{name}' names nothing: delete the entry")


def _too_large(size: Size) -> str:
    unit = "parameters" if size.kind == "parameters" else "lines"
    what = f"'{size.name}' ({size.kind})" if size.name else "the file"
    advice = {
        "file": "split it by question",
        "parameters": "pass a frozen struct, or ask whether it is two functions",
    }.get(size.kind, "take out the steps that have a name of their own")
    return f"{what} has {size.measure} {unit}, the limit is {size.limit}: {advice}"


def _against_record(size: Size, record: int) -> Iterator[Fault]:
    what = f"'{size.name or 'the file'}'"
    if size.measure <= size.limit:
        yield Fault(size.file, size.line, f"{what} no longer needs its exception: delete the entry")
    elif size.measure > record:
        yield Fault(
            size.file, size.line, f"{what} grew from {record} to {size.measure}: make it smaller"
        )
    elif size.measure < record:
        yield Fault(size.file, size.line, f"{what} shrank: write is = {size.measure} in its entry")
