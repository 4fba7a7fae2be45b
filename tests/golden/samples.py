"""The samples: entries of each kind and version of fact, as bytes that were stored once.

    KIND.VERSION.json         every field set to something else than its default
    KIND.VERSION.least.json   only the fields that must be there
    KIND.VERSION.means.json   what the fields of the second one are read as: defaults are part of
                              what a stored entry says, so they can never change

python -m tests.golden.samples     writes samples for facts that have none; it never touches
                                   a sample that is there
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from muster.app import FACTS
from muster.journal.entry import Authority, Envelope, Fact, Private, canonical

FOLDER = Path(__file__).resolve().parent / "entries"
MATTER = "0192d3a0-0000-7000-8000-000000000001"
AT = datetime(2026, 11, 23, 8, 30, 15, 250000, tzinfo=UTC)


def path_of(kind: str, version: int, which: str = "") -> Path:
    """`which`: empty, or `.least` or `.means`."""
    return FOLDER / f"{kind}.{version}{which}.json"


def full(fact: type[Fact]) -> Fact:
    """An invented fact with every field filled, none with its default."""
    defaults = {one.name: one.default for one in msgspec.structs.fields(fact)}
    values = {name: filled(name, kind) for name, kind in hints(fact).items()}
    values.update({name: False for name, value in defaults.items() if value is True})
    return fact(**values)


def least(fact: type[Fact]) -> Fact:
    """An invented fact with only what it must have."""
    required = {one.name for one in msgspec.structs.fields(fact) if one.required}
    kinds = {name: kind for name, kind in hints(fact).items() if name in required}
    return fact(**{name: filled(name, kind) for name, kind in kinds.items()})


def means(fact: Fact) -> dict[str, Any]:
    """Every field of a fact, the defaults too, as JSON has it."""
    return {
        name: msgspec.json.decode(canonical(getattr(fact, name))) for name in fact.__struct_fields__
    }


def stored(fact: Fact) -> bytes:
    """The canonical bytes of an invented entry."""
    return canonical(
        Envelope(
            matter=MATTER,
            number=7,
            kind=fact.kind,
            version=fact.version,
            happened_at=AT,
            clock_offset_ms=-120,
            recorded_at=AT,
            actor="demo-dispatcher",
            authority=Authority("dispatcher", "city"),
            cause=f"{MATTER}/6",
            command="0192d3a0-0000-7000-8000-0000000000c0",
            body=msgspec.Raw(canonical(fact)),
            previous="0f" * 32,
        )
    )


def hints(fact: type[Fact]) -> dict[str, Any]:
    """The type of each field, in the order of the struct."""
    found = typing.get_type_hints(fact)
    return {name: found[name] for name in fact.__struct_fields__}


def filled(name: str, kind: Any) -> Any:
    """A value that is not the default, for a field of this type."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is tuple:
        return (filled(name, typing.get_args(kind)[0]),)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Private:
        inner = typing.get_type_hints(kind)
        return kind(**{one: filled(one, inner[one]) for one in kind.__struct_fields__})
    values: Mapping[Any, Any] = {
        str: f"示例 {name}",
        int: 3,
        bool: True,
        datetime: AT,
        Private: Private(item=f"7.{name}", mac="ab" * 32),
    }
    return values[kind]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for fact in FACTS:
        for which, data in (
            ("", stored(full(fact))),
            (".least", stored(least(fact))),
            (".means", msgspec.json.format(canonical(means(least(fact))), indent=1) + b"\n"),
        ):
            path = path_of(fact.kind, fact.version, which)
            if not path.exists():
                path.write_bytes(data)
                print(f"written: {path.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
