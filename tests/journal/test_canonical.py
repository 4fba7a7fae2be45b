"""The bytes that are stored and hashed are RFC 8785, as a second implementation makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from muster.journal.entry import (
    LARGEST_INTEGER,
    Authority,
    Envelope,
    canonical,
    check_input,
    decode,
    digest,
    kinds_of,
    read_envelope,
)
from muster.journal.refusal import Refused

from .diary import FACTS, DiaryNoted, DiaryOpened, DiaryRang

TEXT = st.text()
INTEGERS = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
DAYS = (datetime(1990, 1, 1), datetime(2100, 12, 31))  # noqa: DTZ001 - the zone is given below
MOMENTS = st.datetimes(*DAYS, timezones=st.just(UTC))
#: Facts are structs: their keys are field names, never free text.
KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)
VALUES = st.recursive(
    TEXT | INTEGERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ENVELOPES = st.builds(
    Envelope,
    matter=st.uuids().map(str),
    number=st.integers(1, 2**31 - 1),
    kind=TEXT,
    version=st.integers(1, 9),
    happened_at=MOMENTS,
    clock_offset_ms=INTEGERS,
    recorded_at=MOMENTS,
    actor=TEXT,
    authority=st.builds(Authority, role=TEXT, organisation=TEXT),
    cause=TEXT,
    command=TEXT,
    body=VALUES.map(lambda value: msgspec.Raw(canonical(value))),
    previous=TEXT,
)


@given(VALUES)
def test_any_value_of_a_fact(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(ENVELOPES)
def test_any_envelope(envelope: Envelope) -> None:
    data = canonical(envelope)
    assert data == rfc8785.dumps(msgspec.json.decode(data))
    assert canonical(read_envelope(data)) == data


@given(TEXT, MOMENTS, MOMENTS)
def test_any_fact_survives_its_bytes(name: str, due: datetime, at: datetime) -> None:
    fact = DiaryRang(name=name, due=due)
    data = canonical(
        Envelope(
            matter="m",
            number=1,
            kind=fact.kind,
            version=fact.version,
            happened_at=at,
            clock_offset_ms=0,
            recorded_at=at,
            actor="a",
            authority=Authority("r", "o"),
            cause="",
            command="c",
            body=msgspec.Raw(canonical(fact)),
            previous="",
        )
    )
    entry = decode(data, kinds_of(FACTS))
    assert (entry.fact, entry.happened_at, entry.hash) == (fact, at, digest(data))


def test_what_is_left_out_is_left_out_of_the_bytes() -> None:
    assert canonical(DiaryOpened()) == b"{}"


def test_a_kind_is_defined_once() -> None:
    with pytest.raises(ValueError, match=r"diary\.noted"):
        kinds_of([DiaryNoted, DiaryOpened, DiaryNoted])


def test_a_kind_nobody_knows_is_a_defect() -> None:
    data = canonical(DiaryOpened())
    with pytest.raises(KeyError):
        decode(envelope_of("diary.unheard", data), kinds_of(FACTS))


def envelope_of(kind: str, body: bytes) -> bytes:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return canonical(
        Envelope(
            "m", 1, kind, 1, now, 0, now, "a", Authority("", ""), "", "", msgspec.Raw(body), ""
        )
    )


# --- the door of the journal -----------------------------------------------------------------


class Letter(msgspec.Struct, frozen=True):
    words: Any


BAD = [
    ("a\x00b", "nul"),
    ("\ud800", "surrogate"),
    ("x\udfffy", "surrogate"),
    (LARGEST_INTEGER + 1, "integer"),
    (-LARGEST_INTEGER - 1, "integer"),
    (float("nan"), "number"),
    (float("inf"), "number"),
    (float("-inf"), "number"),
    (datetime(1989, 12, 31, 23, 59, 59, tzinfo=UTC), "date"),
    (datetime(2101, 1, 1, tzinfo=UTC), "date"),
    (datetime(2026, 1, 1), "date"),  # noqa: DTZ001 - without a zone on purpose
]
GOOD = [
    "",
    "示例 مثال 👮\u202e\ufffe\u0001'; DROP TABLE entry; --<script>",
    LARGEST_INTEGER,
    -LARGEST_INTEGER,
    True,
    None,
    0.1,
    datetime(1990, 1, 1, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC),
]


@pytest.mark.parametrize("wrapped", [lambda v: v, lambda v: [v], lambda v: {"k": (v,)}, Letter])
@pytest.mark.parametrize(("value", "reason"), BAD, ids=str)
def test_refused_wherever_it_stands(value: Any, reason: str, wrapped: Any) -> None:
    with pytest.raises(Refused) as refused:
        check_input(wrapped(value))
    assert (refused.value.code, refused.value.values["reason"]) == ("input.invalid", reason)


@pytest.mark.parametrize("value", GOOD, ids=repr)
def test_let_in(value: Any) -> None:
    check_input(Letter([value]))


def test_a_bad_key_is_refused_too() -> None:
    with pytest.raises(Refused):
        check_input({"a\x00": 1})


def test_the_refusal_says_where() -> None:
    with pytest.raises(Refused) as refused:
        check_input(Letter({"a": [0, {"b": "\x00"}]}))
    assert refused.value.values["path"] == "words.a[1].b"


@given(VALUES)
def test_what_is_let_in_can_be_stored_and_read(value: Any) -> None:
    try:
        check_input(value)
    except Refused:
        return
    assert msgspec.json.decode(canonical(value)) == value
