"""Signing keys: files readable by us alone, each vouched for by the one before."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from muster.journal.entry import canonical
from muster.journal.signing import (
    KeyChain,
    KeyFolder,
    KeyMissing,
    Signed,
    Signer,
    Statement,
    as_lines,
    key_id,
    of_line,
    state,
    valid,
)

AT = "2026-03-01T08:00:00Z"


def chain_of(tmp_path: Path, *firsts: int) -> tuple[list[Signer], list[Signed]]:
    """Keys that sign from these checkpoints on, each signed by the one before."""
    folder = KeyFolder(tmp_path / "signing")
    signers: list[Signer] = []
    statements: list[Signed] = []
    after: Statement | None = None
    for first in firsts:
        made = folder.make()
        by = signers[-1] if signers else made
        statements.append(state(made, by, after=after, made_at=AT, first=first))
        after = msgspec.json.decode(statements[-1].body, type=Statement)
        signers.append(made)
    return signers, statements


def test_a_key_file_is_ours_alone_and_named_after_its_public_half(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys" / "signing")
    made = folder.make()
    path = tmp_path / "keys" / "signing" / f"{made.id}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert made.id == key_id(made.public)
    assert folder.open(made.id).public == made.public


def test_a_half_made_key_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            KeyFolder(tmp_path).make()
    assert not list(tmp_path.glob("*.key"))


def test_a_missing_or_exchanged_key_file_is_noticed(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    one, other = folder.make(), folder.make()
    (tmp_path / f"{one.id}.key").write_bytes((tmp_path / f"{other.id}.key").read_bytes())
    for key in (one.id, "0" * 32):
        with pytest.raises(KeyMissing):
            folder.open(key)


def test_a_destroyed_key_signs_no_more(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    made = folder.make()
    folder.destroy(made.id)
    folder.destroy(made.id)  # twice is once
    assert list(tmp_path.iterdir()) == []


def test_a_signature_holds_for_its_bytes_and_key_only(tmp_path: Path) -> None:
    one, other = (KeyFolder(tmp_path).make() for _ in range(2))
    signed = one.sign(b"words")
    assert valid(one.public, signed)
    assert not valid(other.public, signed)
    assert not valid(one.public, Signed(b"Words", signed.signature))
    assert not valid(one.public, Signed(b"words", signed.signature[:-1]))


def test_a_chain_in_order_has_no_fault(tmp_path: Path) -> None:
    signers, statements = chain_of(tmp_path, 1, 4, 4, 9)
    chain = KeyChain(statements)
    assert chain.faults == []
    uses = [chain.in_use(number) for number in (1, 3, 4, 8, 9, 20)]
    first, _, third, fourth = (one.id for one in signers)
    assert uses == [first, first, third, third, fourth, fourth]


def test_each_break_of_the_chain_is_named(tmp_path: Path) -> None:
    signers, (one, two, three) = chain_of(tmp_path, 1, 4, 9)
    stranger, (alone,) = chain_of(tmp_path / "else", 1)

    def whats(*statements: Signed) -> set[tuple[int, str]]:
        return {(fault.number, fault.what) for fault in KeyChain(statements).faults}

    assert whats(one, three) == {(2, "order"), (2, "unknown_signer")}
    assert (2, "unknown_signer") in whats(one, three, two)
    assert whats(one, alone) >= {(2, "alone")}
    assert whats(one, Signed(two.body, three.signature)) == {(2, "signature")}
    assert whats(one, Signed(b"{", b"")) == {(2, "bytes")}
    own = state(
        stranger[0],
        stranger[0],
        after=msgspec.json.decode(one.body, type=Statement),
        made_at=AT,
        first=4,
    )
    assert whats(one, own) == {(2, "alone")}
    assert KeyChain([one, own], [stranger[0].id]).faults == []
    false = msgspec.structs.replace(msgspec.json.decode(two.body, type=Statement), key="0" * 32)
    assert (2, "name") in whats(one, signers[0].sign(canonical(false)))


def test_a_key_signs_only_while_it_is_in_use(tmp_path: Path) -> None:
    signers, statements = chain_of(tmp_path, 1, 4)
    chain, stranger = KeyChain(statements), KeyFolder(tmp_path).make()
    old, now = signers
    assert chain.fault(3, old.id, old.sign(b"x")) is None
    assert chain.fault(4, now.id, now.sign(b"x")) is None
    assert chain.fault(4, old.id, old.sign(b"x")) == "key_out_of_use"
    assert chain.fault(4, now.id, old.sign(b"x")) == "signature"
    assert chain.fault(4, stranger.id, stranger.sign(b"x")) == "unknown_key"


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    _, statements = chain_of(tmp_path, 1, 4)
    assert [of_line(one) for one in as_lines(statements).splitlines()] == statements
    for broken in (b"", b"{}", b'{"bytes":"x","signature":"zz"}', b'{"bytes":"\xff"}'):
        with pytest.raises(ValueError):
            of_line(broken)
