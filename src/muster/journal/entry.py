"""Facts, and the envelope that makes an entry of one.

The canonical bytes of an entry (RFC 8785) are stored and hashed; every column of the
table is derived from them. Facts hold no floating point numbers, so msgspec's sorted
encoding *is* the RFC 8785 form; a test compares it with a second implementation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec

from muster.journal.refusal import Refused

LARGEST_INTEGER = 2**53 - 1
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100
FIRST_PREVIOUS = "0" * 64


class Private(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text about a person, kept in the vault.

    `plain` is set only between deciding and appending; `perform` seals it: the entry
    holds the vault item's name and HMAC(salt of the matter, plaintext), never the text.
    """

    item: str = ""
    mac: str = ""
    plain: str | None = None


def private(text: str | None) -> Private | None:
    """Mark a text as personal; None and blank stay None."""
    return Private(plain=text) if text else None


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, in the past tense. Subclasses set `kind` and `version`."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    lookups: ClassVar[Mapping[str, str]] = {}
    #: Whether the matter can no longer be found by what it holds once this has happened.
    purges_lookups: ClassVar[bool] = False

    @property
    def renews_key(self) -> bool:
        """Whether some of the matter's words go and others stay: those get another key."""
        return False


class Authority(msgspec.Struct, frozen=True):
    """The role and the organisation on whose behalf the actor acted."""

    role: str
    organisation: str


class Envelope(msgspec.Struct, frozen=True):
    """An entry as it is hashed. Times are UTC; `clock_offset_ms` is client minus server clock."""

    matter: str
    number: int
    kind: str
    version: int
    happened_at: datetime
    clock_offset_ms: int
    recorded_at: datetime
    actor: str
    authority: Authority
    cause: str
    command: str
    body: msgspec.Raw
    previous: str


class Entry(msgspec.Struct, frozen=True):
    """An entry as code sees it: the envelope with its fact decoded."""

    matter: str
    number: int
    happened_at: datetime
    recorded_at: datetime
    actor: str
    authority: Authority
    cause: str
    command: str
    fact: Fact
    hash: str

    @property
    def kind(self) -> str:
        return self.fact.kind


Kinds = Mapping[tuple[str, int], type[Fact]]
FactT = TypeVar("FactT", bound=Fact)

_encoder = msgspec.json.Encoder(order="sorted")
_envelope_decoder = msgspec.json.Decoder(Envelope)


def kinds_of(facts: Iterable[type[Fact]]) -> dict[tuple[str, int], type[Fact]]:
    """The register of facts by (kind, version). Raises ValueError on a kind defined twice."""
    register: dict[tuple[str, int], type[Fact]] = {}
    for fact in facts:
        key = (fact.kind, fact.version)
        if key in register:
            raise ValueError(f"the kind {key} is defined by {register[key]} and {fact}")
        register[key] = fact
    return register


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of a value without floats."""
    return _encoder.encode(value)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_envelope(data: bytes) -> Envelope:
    return _envelope_decoder.decode(data)


def decode(data: bytes, kinds: Kinds, hash_hex: str | None = None) -> Entry:
    """Decode stored bytes. Raises KeyError for a kind nobody defines any more: that is a defect."""
    envelope = read_envelope(data)
    fact = msgspec.json.decode(envelope.body, type=kinds[(envelope.kind, envelope.version)])
    return Entry(
        matter=envelope.matter,
        number=envelope.number,
        happened_at=envelope.happened_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        authority=envelope.authority,
        cause=envelope.cause,
        command=envelope.command,
        fact=fact,
        hash=hash_hex or digest(data),
    )


def private_fields(fact: Fact) -> dict[str, Private]:
    """The sealed or to-be-sealed fields of a fact, by field name."""
    found = {}
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, Private):
            found[name] = value
    return found


def check_input(value: Any, path: str = "") -> None:
    """Refuse what no entry may hold: NUL, lone surrogates, huge integers, absurd dates, floats
    that are not finite. `value` is decoded JSON or a struct made of it.

    Raises Refused("input.invalid", path=…, reason=…).
    """
    if isinstance(value, str):
        if "\x00" in value:
            raise Refused("input.invalid", path=path, reason="nul")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("input.invalid", path=path, reason="surrogate") from None
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise Refused("input.invalid", path=path, reason="integer")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Refused("input.invalid", path=path, reason="number")
    elif isinstance(value, datetime):
        if value.tzinfo is None or not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
            raise Refused("input.invalid", path=path, reason="date")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            check_input(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            check_input(name, path)
            check_input(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_input(item, f"{path}[{index}]")
