"""What was stored once must be readable for ever, byte for byte."""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec
import pytest
import rfc8785

from muster.app import FACTS
from muster.journal.entry import (
    Entry,
    Fact,
    canonical,
    decode,
    kinds_of,
    private_fields,
    read_envelope,
)

from .samples import FOLDER, full, hints, means, path_of, stored

KINDS = kinds_of(FACTS)
WHICH = ("", ".least", ".means")
SAMPLES = [path for path in sorted(FOLDER.glob("*.json")) if ".means" not in path.suffixes]


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_every_fact_and_version_has_a_sample() -> None:
    missing = [key for key in KINDS for which in WHICH if not path_of(*key, which).exists()]
    assert not missing, f"run `python -m tests.golden.samples` and commit: {missing}"


def test_a_fact_without_a_sample_would_be_missed() -> None:
    """The test above can fail."""

    class Unheard(Fact, frozen=True, kw_only=True):
        kind: typing.ClassVar[str] = "incident.unheard"

    missing = [key for key in kinds_of([*FACTS, Unheard]) if not path_of(*key).exists()]
    assert missing == [("incident.unheard", 1)]


@pytest.mark.parametrize("path", SAMPLES, ids=names(SAMPLES))
def test_a_sample_decodes_and_encodes_to_the_same_bytes(path: Path) -> None:
    """A kind that was renamed, a field that was dropped or changed its type fails here: write a
    new version and keep the old one readable instead."""
    data = path.read_bytes()
    entry: Entry = decode(data, KINDS)
    envelope = read_envelope(data)
    assert path in [path_of(entry.kind, envelope.version, which) for which in WHICH]
    again = msgspec.structs.replace(envelope, body=msgspec.Raw(canonical(entry.fact)))
    assert canonical(again) == data
    assert rfc8785.dumps(msgspec.json.decode(data)) == data


@pytest.mark.parametrize("path", SAMPLES, ids=names(SAMPLES))
def test_a_sample_holds_no_field_nobody_knows(path: Path) -> None:
    envelope = read_envelope(path.read_bytes())
    body = msgspec.json.decode(envelope.body)
    assert set(body) <= set(hints(KINDS[envelope.kind, envelope.version]))


@pytest.mark.parametrize("key", KINDS, ids=lambda key: f"{key[0]}.{key[1]}")
def test_what_an_entry_leaves_out_means_what_it_meant(key: tuple[str, int]) -> None:
    """A default that changed would change what entries say that were stored long ago. A field
    added later may stand beside: old entries are read with its default."""
    entry = decode(path_of(*key, ".least").read_bytes(), KINDS)
    expected = msgspec.json.decode(path_of(*key, ".means").read_bytes())
    now = means(entry.fact)
    assert {name: now[name] for name in expected} == expected


def test_facts_hold_no_free_keys_and_no_floats() -> None:
    """The canonical form is exact only for these types; see journal/entry.py."""
    for fact in FACTS:
        stored(full(fact))  # raises KeyError for a field of another type


def test_private_words_are_marked_as_such() -> None:
    """Fields that may hold words about people, by their names."""
    personal = {"caller_name", "caller_phone", "narrative", "place", "reason", "text", "note"}
    for fact in FACTS:
        sealed = set(private_fields(decode(stored(full(fact)), KINDS).fact))
        assert personal & set(hints(fact)) <= sealed, fact.kind
