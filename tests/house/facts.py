"""The shape of facts: no floats, a kind of our own in the past tense, a version."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .sources import Fault

_KIND = re.compile(r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")
# Past participles English does not end in -ed; a new one is added here with care.
_IRREGULAR = {"begun", "given", "set", "sent", "made", "put", "split", "taken", "told", "won"}
_IRREGULAR |= {"withdrawn", "met", "found", "left", "lost", "gone", "done", "held", "under_way"}
_IRREGULAR |= {"set_out", "fed_back", "called_back", "handed_over", "asked_in", "signed_on", "kept"}


def past_tense(kind: str) -> bool:
    """Whether the last word of the kind says that something has happened."""
    last = kind.rsplit(".", 1)[-1]
    words = last.split("_")
    return last in _IRREGULAR or any(w.endswith("ed") or w in _IRREGULAR for w in words)


def subclasses(fact: type) -> list[type]:
    """Every fact class defined so far, below `fact`. A base of others has the kind ""."""
    found: list[type] = []
    for child in fact.__subclasses__():
        found.extend([child, *subclasses(child)])
    return [c for c in dict.fromkeys(found) if vars(c).get("kind") or not c.__subclasses__()]


def faults(classes: Iterable[type]) -> Iterator[Fault]:
    """Everything wrong with these fact classes; `file` is the module that defines the class."""
    by_kind: dict[tuple[str, int], type] = {}
    for cls in classes:
        for what in _shape(cls):
            yield Fault(cls.__module__, 1, f"{cls.__name__}: {what}")
        kind, version = getattr(cls, "kind", ""), getattr(cls, "version", 0)
        other = by_kind.setdefault((kind, version), cls)
        if other is not cls:
            yield Fault(
                cls.__module__, 1, f"{cls.__name__}: kind {kind} is also {other.__qualname__}"
            )


def _shape(cls: type) -> Iterator[str]:
    kind, version = getattr(cls, "kind", None), getattr(cls, "version", None)
    if "kind" not in vars(cls) or not isinstance(kind, str) or not _KIND.match(kind):
        yield "needs `kind: ClassVar[str]`, our own words with a dot, such as incident.reported"
    elif not past_tense(kind):
        yield f"kind {kind} is not in the past tense: a fact has happened (incident.reported)"
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield "needs `version: ClassVar[int]`, from 1"
    if not getattr(cls, "__struct_config__", None) or not cls.__struct_config__.frozen:
        yield "must be a frozen msgspec Struct"
        return
    for name, hint in typing.get_type_hints(cls).items():
        if typing.get_origin(hint) is not typing.ClassVar and holds_float(hint):
            yield f"field {name} holds a float: use an integer in the smallest unit it needs"


def holds_float(hint: Any, seen: tuple[Any, ...] = ()) -> bool:
    """Whether a value of this type could hold a float anywhere inside."""
    if hint in seen:
        return False
    if hint is float or hint is typing.Any:
        return True
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        fields = typing.get_type_hints(hint)
        inner = [h for h in fields.values() if typing.get_origin(h) is not typing.ClassVar]
        return any(holds_float(h, (*seen, hint)) for h in inner)
    return any(holds_float(h, (*seen, hint)) for h in typing.get_args(hint))
